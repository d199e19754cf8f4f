// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Pace } from './pace';

/** Begins so many at once. @returns which of them have begun, in order. */
function beginAll(pace: Pace, count: number): number[] {
  const begun: number[] = [];
  for (let index = 0; index < count; index += 1) pace.begin(() => begun.push(index));
  return begun;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test('who comes alone begins at once, and of many the first few; then some in each tick, in order', async () => {
  const pace = new Pace({ atOnce: 3, everyMs: 20 });
  const begun = beginAll(pace, 10);
  expect(begun).toEqual(numbers(3));
  const seen = new Set([3]);
  while (begun.length < 10) {
    await sleep(1);
    seen.add(begun.length);
  }
  expect(begun).toEqual(numbers(10));
  expect([...seen]).toEqual([3, 6, 9, 10]);
});

test('an event loop that is behind makes up for no tick that it has missed', async () => {
  const pace = new Pace({ atOnce: 2, everyMs: 10 });
  const begun = beginAll(pace, 20);
  const stillUntilMs = performance.now() + 200;
  while (performance.now() < stillUntilMs);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun.length).toBeLessThanOrEqual(4);
});
