// SPDX-License-Identifier: GPL-2.0-only
import { activeTrace, type TraceParent } from './traced';

/** More than is under way at once; what is older has been traced. */
const mostKept = 1_000;

/** Which trace asked for what is done later, and elsewhere. A restart forgets it: what goes on is done all the same. */
export class TraceMemory {
  private readonly kept = new Map<string, TraceParent>();

  /** What is done here and now asked for it. */
  note(what: string): void {
    const parent = activeTrace();
    if (parent === undefined) return;
    this.kept.delete(what);
    this.kept.set(what, parent);
    const [oldest] = this.kept.keys();
    if (this.kept.size > mostKept && oldest !== undefined) this.kept.delete(oldest);
  }

  find(what: string): TraceParent | undefined {
    return this.kept.get(what);
  }
}
