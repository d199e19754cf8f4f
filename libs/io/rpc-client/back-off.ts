// SPDX-License-Identifier: GPL-2.0-only

export interface BackOffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Delays between tries: doubling up to `maxMs`, each drawn from the upper half so that clients do not come in step. Where
 * the server knows how many there are and names a window, the delay is drawn from all of it.
 */
export interface BackOff {
  /** The delay before the next try, in milliseconds. @param withinMs the window that the server has named, if it has */
  nextMs(withinMs?: number): number;
  /** A try went well: start over. */
  reset(): void;
}

/** `random` gives numbers in [0, 1). */
export function createBackOff({ firstMs, maxMs }: BackOffLimits, random: () => number = Math.random): BackOff {
  let tries = 0;
  return {
    nextMs(withinMs) {
      if (withinMs !== undefined) return Math.round(withinMs * random());
      const ceilingMs = Math.min(maxMs, firstMs * 2 ** Math.min(tries, 30));
      tries += 1;
      return Math.round(ceilingMs * (0.5 + random() / 2));
    },
    reset() {
      tries = 0;
    },
  };
}
