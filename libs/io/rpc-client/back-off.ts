// SPDX-License-Identifier: GPL-2.0-only

export interface BackOffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Up to here they go on doubling where what failed lasts; absent: `maxMs`. */
  readonly lastingMs?: number;
}

/** An agent's: who has no session counts as lost after a pause of `maxMs` and a try (`agents/return-time`). */
export const agentBackOff: BackOffLimits = { firstMs: 300, maxMs: 15_000, lastingMs: 120_000 };

/**
 * Delays between tries: doubling up to `maxMs`, each drawn from the upper half so that clients do not come in step. Where
 * the server knows how many there are and names a window, the delay is drawn from all of it; and so is one after what lasts.
 */
export interface BackOff {
  /**
   * The delay before the next try, in milliseconds.
   * @param withinMs the window that the server has named, if it has
   * @param isLasting to try again soon is of no use
   */
  nextMs(withinMs?: number, isLasting?: boolean): number;
  /** A try went well: start over. */
  reset(): void;
}

/** `random` gives numbers in [0, 1). */
export function createBackOff(
  { firstMs, maxMs, lastingMs = maxMs }: BackOffLimits,
  random: () => number = Math.random,
): BackOff {
  let tries = 0;
  return {
    nextMs(withinMs, isLasting = false) {
      if (withinMs !== undefined) return Math.round(withinMs * random());
      const ceilingMs = Math.min(isLasting ? lastingMs : maxMs, firstMs * 2 ** Math.min(tries, 30));
      tries += 1;
      if (isLasting) return Math.round(ceilingMs * random());
      return Math.round(ceilingMs * (0.5 + random() / 2));
    },
    reset() {
      tries = 0;
    },
  };
}
