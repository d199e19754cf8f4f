// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Pace } from './pace';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Lets so many begin. @returns which of them have begun, in order. */
function beginAll(limits: { readonly atOnce: number; readonly everyMs: number }, count: number): number[] {
  const waiting = numbers(count);
  const begun: number[] = [];
  const beginNext = (): boolean => {
    const next = waiting.shift();
    if (next !== undefined) begun.push(next);
    return next !== undefined;
  };
  new Pace({ ...limits, beginNext }).wake();
  return begun;
}

test('who comes alone begins at once, and of many the first few; then some in each tick, in order', async () => {
  const begun = beginAll({ atOnce: 3, everyMs: 20 }, 10);
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
  const begun = beginAll({ atOnce: 2, everyMs: 10 }, 20);
  const stillUntilMs = performance.now() + 200;
  while (performance.now() < stillUntilMs);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun.length).toBeLessThanOrEqual(4);
});

test('who comes when nobody waits begins at once, unless the others have only just begun', async () => {
  const waiting: number[] = [];
  const begun: number[] = [];
  const beginNext = (): boolean => {
    const next = waiting.shift();
    if (next !== undefined) begun.push(next);
    return next !== undefined;
  };
  const pace = new Pace({ atOnce: 1, everyMs: 20, beginNext });
  for (const at of numbers(3)) {
    waiting.push(at);
    pace.wake();
  }
  expect(begun).toEqual([0]);
  while (begun.length < 3) await sleep(1);
});
