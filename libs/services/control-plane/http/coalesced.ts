// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';

/** As many wait for a slow reader; then the source does. */
const mostWaiting = 1_000;

/**
 * The same, in groups that begin no closer to each other than `everyMs`: the first at once, what comes meanwhile together in the
 * next. What was there before `source` failed is told before its error.
 */
export async function* inGroups<T>(source: AsyncIterable<T>, everyMs: number): AsyncGenerator<T[]> {
  let waiting: T[] = [];
  let ended: { readonly error?: unknown } | undefined;
  let wake = (): void => undefined;
  let makeRoom = (): void => undefined;
  const left = new AbortController();
  const reading = (async () => {
    try {
      for await (const item of source) {
        waiting.push(item);
        wake();
        if (waiting.length >= mostWaiting) {
          await new Promise<void>((resolve) => {
            makeRoom = resolve;
          });
        }
        if (left.signal.aborted) break;
      }
      ended = {};
    } catch (error) {
      ended = { error };
    }
    wake();
  })();
  try {
    for (;;) {
      if (waiting.length === 0 && ended === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const group = waiting;
      waiting = [];
      makeRoom();
      if (group.length > 0) yield group;
      else if (ended !== undefined) break;
      if (ended === undefined) await sleep(everyMs);
    }
    if ('error' in ended) throw ended.error;
  } finally {
    left.abort();
    makeRoom();
    await reading;
  }
}
