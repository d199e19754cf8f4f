// SPDX-License-Identifier: GPL-2.0-only

export interface Rate {
  readonly perSecond: number;
  /** So many at once, after a time with none. */
  readonly burst: number;
}

/**
 * How often something may be done, for each of many by name: a cell-rate limiter, which keeps one number of each (when all
 * that it took would be used up at the even pace).
 */
export class RateLimit {
  private readonly usedUpAtMs = new Map<string, number>();
  private readonly intervalMs: number;

  constructor(
    private readonly rate: Rate,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.intervalMs = 1_000 / rate.perSecond;
  }

  /** Takes one, if there is one: 0. Otherwise nothing is taken, and there will be one after so many ms. */
  take(name: string): number {
    const now = this.nowMs();
    const usedUpAt = Math.max(now, this.usedUpAtMs.get(name) ?? 0);
    const waitMs = usedUpAt - now - (this.rate.burst - 1) * this.intervalMs;
    if (waitMs > 0) return waitMs;
    this.usedUpAtMs.set(name, usedUpAt + this.intervalMs);
    return 0;
  }
}
