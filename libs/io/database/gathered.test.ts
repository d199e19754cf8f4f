// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { gathered } from './gathered';

function recorded(mostAtOnce: number) {
  const runs: string[][] = [];
  const ask = gathered<string, string>({
    work: async (asked) => {
      runs.push([...asked]);
      await new Promise(setImmediate);
      if (asked.includes('bad')) throw new Error('no');
      return asked.map((each) => `${each}!`);
    },
    keyOf: (asked) => asked,
    mostAtOnce,
  });
  return { runs, ask };
}

test('what is asked while one runs goes together, in order, and each gets its own answer', async () => {
  const { runs, ask } = recorded(2);
  expect(await Promise.all(['a', 'b', 'c', 'd'].map(ask))).toEqual(['a!', 'b!', 'c!', 'd!']);
  expect(runs).toEqual([['a'], ['b', 'c'], ['d']]);
});

test('two of one key are asked one after the other', async () => {
  const { runs, ask } = recorded(10);
  await Promise.all(['a', 'b', 'b', 'c'].map(ask));
  expect(runs).toEqual([['a'], ['b', 'c'], ['b']]);
});

test('a failure is that of those that went together, and of nobody after them', async () => {
  const { ask } = recorded(10);
  const first = ask('a');
  const outcomes = await Promise.allSettled([ask('bad'), ask('b')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect([await first, await ask('c')]).toEqual(['a!', 'c!']);
});
