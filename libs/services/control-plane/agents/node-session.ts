// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport, ProbeOrder } from '@lockstep/contracts/generated';
import type { ModuleName, NodeName, Seq } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import type { TraceParent } from '@lockstep/platform/tracing';

/** How soon to look again for what could not be read: a database that is away for a moment costs no stream. */
export const lookAgainMs = 1_000;

/** One stream of one node. */
export interface NodeSession {
  readonly node: NodeName;
  readonly log: LogName;
  /** Of the boot that the stream comes from. */
  readonly bootId: string;
  /** The last entry that the agent can know: it had it, or it was at least begun to be sent. */
  readonly offeredSeq: number;
  /** There may be new entries. */
  wake(): void;
  /** @param trace that asked for it */
  moveTo(seq: Seq, trace?: TraceParent): void;
  /** What crashed in this boot may be loaded again. */
  release(crashedBootId: string): void;
  /** These, which no entry explains, are to be unloaded. */
  repair(modules: readonly ModuleName[]): void;
  /** What is to be probed from now on, in place of what was ordered before. */
  probe(order: ProbeOrder): void;
  /** What is kept of the node's word. */
  seen(report: NodeReport): NodeReport;
  /** Ends the stream with this error. */
  close(error: unknown): void;
}
