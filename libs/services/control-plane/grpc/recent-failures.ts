// SPDX-License-Identifier: GPL-2.0-only

const failuresWithinMs = 60_000;
/** Addresses, and what they have shown, that are remembered. */
const mostRemembered = 10_000;

interface Failures {
  readonly sinceMs: number;
  readonly count: number;
}

/** Counted within a minute, by whatever name. */
export class RecentFailures {
  private readonly failures = new Map<string, Failures>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  countOf(name: string): number {
    return this.current(name).count;
  }

  add(name: string): void {
    const { sinceMs, count } = this.current(name);
    this.failures.delete(name);
    this.failures.set(name, { sinceMs, count: count + 1 });
    const [oldest] = this.failures.keys();
    if (this.failures.size > mostRemembered && oldest !== undefined) this.failures.delete(oldest);
  }

  private current(name: string): Failures {
    const known = this.failures.get(name);
    const isOver = known === undefined || this.nowMs() - known.sinceMs > failuresWithinMs;
    return isOver ? { sinceMs: this.nowMs(), count: 0 } : known;
  }
}
