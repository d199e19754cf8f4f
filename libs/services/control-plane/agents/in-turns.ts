// SPDX-License-Identifier: GPL-2.0-only
import { setImmediate as nextTurn } from 'node:timers/promises';

/** As many are done without a break: some milliseconds' work. */
const atOnce = 100;

/** Does something for each of many without holding up the event loop. */
export async function inTurns<T>(items: Iterable<T>, work: (item: T) => void): Promise<void> {
  let done = 0;
  for (const item of items) {
    work(item);
    done += 1;
    if (done % atOnce === 0) await nextTurn();
  }
}
