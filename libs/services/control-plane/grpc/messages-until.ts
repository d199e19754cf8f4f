// SPDX-License-Identifier: GPL-2.0-only

/**
 * The messages of `source` until it ends, or until `signal` aborts: then its reason is thrown. Each message waits on a
 * promise of its own: one that lives as long as the stream (as in a `Promise.race`) would keep every message.
 */
export async function* messagesUntil<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let interrupt = (): void => undefined;
  const onAbort = (): void => {
    interrupt();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        interrupt = () => {
          reject(signal.reason as Error);
        };
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
