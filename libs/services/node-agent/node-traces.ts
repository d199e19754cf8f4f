// SPDX-License-Identifier: GPL-2.0-only
import type { Seq } from '@lockstep/domain/livepatch-model';
import type { TraceParent } from '@lockstep/platform/tracing';

/** As many entries are remembered; a node holds fewer. */
const mostEntries = 256;

/** In which traces entries were appended and the node was told to move; what a reboot restores was asked for by nobody. */
export class NodeTraces {
  private readonly entries = new Map<number, TraceParent>();
  private move: TraceParent | undefined;

  noteEntry(seq: number, trace: TraceParent): void {
    if (trace === '') return;
    this.entries.set(seq, trace);
    const [oldest] = this.entries.keys();
    if (this.entries.size > mostEntries && oldest !== undefined) this.entries.delete(oldest);
  }

  noteMove(trace: TraceParent): void {
    this.move = trace === '' ? undefined : trace;
  }

  /** What moved the node, and what appended the entry that it works on. */
  of(seq: Seq | undefined): { readonly parent: TraceParent | undefined; readonly links: (TraceParent | undefined)[] } {
    const entry = seq === undefined ? undefined : this.entries.get(seq);
    return { parent: this.move ?? entry, links: [entry] };
  }
}
