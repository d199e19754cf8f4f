// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { FewATurn } from './few-a-turn';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('of many that come at once a few are done in each turn of the event loop, in order', async () => {
  const done: number[] = [];
  const few = new FewATurn<number>({ most: 3, work: (item) => done.push(item) });
  for (let item = 0; item < 8; item += 1) few.add(item);
  const counts = [done.length];
  while (done.length < 8) {
    await nextTurn();
    counts.push(done.length);
  }
  few.add(8);
  await nextTurn();
  expect([done, counts]).toEqual([
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
    [0, 3, 6, 8],
  ]);
});

test('what is cleared is not done, and is told', async () => {
  const done: number[] = [];
  const few = new FewATurn<number>({ most: 1, work: (item) => done.push(item) });
  for (const item of [1, 2, 3]) few.add(item);
  await nextTurn();
  expect(few.clear()).toEqual([2, 3]);
  await nextTurn();
  await nextTurn();
  expect(done).toEqual([1]);
});
