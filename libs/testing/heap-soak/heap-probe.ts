// SPDX-License-Identifier: GPL-2.0-only
// Loaded into the control plane before its own code (`node --expose-gc --require`): tells over the process' own channel
// what is in use after a collection. The product knows nothing of it.

/** What the probe is asked and answers. */
export interface HeapAnswer {
  readonly usedBytes: number;
}

/** Finalizers and streams let go of what they hold only in later turns, so it is collected several times. */
const collections = 5;
const betweenMs = 50;

async function usedAfterCollection(): Promise<number> {
  for (let round = 0; round < collections; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, betweenMs));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
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
