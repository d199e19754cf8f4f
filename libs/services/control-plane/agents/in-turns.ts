// SPDX-License-Identifier: GPL-2.0-only
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** As many are done without a break: some milliseconds' work. */
const atOnce = 100;

/**
 * Does something for each of many without holding up the event loop.
 * @param overMs it need not be done before so much time has passed
 */
export async function inTurns<T>(items: readonly T[], work: (item: T) => void, overMs = 0): Promise<void> {
  const pauseMs = (overMs * atOnce) / Math.max(items.length, atOnce);
  let done = 0;
  for (const item of items) {
    work(item);
    done += 1;
    if (done % atOnce !== 0) continue;
    if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false });
    else await nextTurn();
  }
}
