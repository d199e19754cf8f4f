// SPDX-License-Identifier: GPL-2.0-only
// Loaded into the control plane before its own code (`node --expose-gc --require`): tells over the process' own channel
// what is in use after a collection. The product knows nothing of it.

/** What the probe is asked and answers. */
export interface HeapAnswer {
  readonly usedBytes: number;
}

/**
 * Finalizers and streams let go of what they hold only in later turns, and what waits to be written only once it is: so it is
 * collected until nothing more comes of it.
 */
const settledAfterRounds = 10;
const betweenMs = 100;
const noiseBytes = 64 * 1024;

async function usedAfterCollection(): Promise<number> {
  let least = Infinity;
  for (let settledRounds = 0; settledRounds < settledAfterRounds; settledRounds += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, betweenMs));
    const { heapUsed, external } = process.memoryUsage();
    const used = heapUsed + external;
    if (used < least - noiseBytes) settledRounds = 0;
    least = Math.min(least, used);
  }
  return least;
}

process.on('message', () => {
  usedAfterCollection().then(
    (usedBytes) => process.send?.({ usedBytes } satisfies HeapAnswer),
    (error: unknown) => {
      process.stderr.write(`the heap probe failed: ${String(error)}\n`);
    },
  );
});
// The channel alone must not keep the control plane alive.
process.channel?.unref();
