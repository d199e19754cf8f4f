// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { inGroups } from './coalesced';

async function* every(ms: number, count: number, error?: Error): AsyncGenerator<number> {
  for (let number = 1; number <= count; number += 1) {
    yield number;
    await sleep(ms);
  }
  if (error !== undefined) throw error;
}

async function collect(source: AsyncIterable<number>, everyMs: number) {
  const groups: { readonly items: number[]; readonly atMs: number }[] = [];
  const failure: unknown = await (async () => {
    for await (const items of inGroups(source, everyMs)) groups.push({ items, atMs: performance.now() });
  })().catch((error: unknown) => error);
  return { groups, failure };
}

test('the first comes at once, the others together, nothing is lost, and no two come closer than asked', async () => {
  const { groups } = await collect(every(5, 60), 100);
  expect(groups[0]?.items).toEqual([1]);
  expect(groups.flatMap(({ items }) => items)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  const gaps = groups.slice(1).map(({ atMs }, index) => atMs - (groups[index]?.atMs ?? 0));
  // The last may come when the source has ended.
  for (const gap of gaps.slice(0, -1)) expect(gap).toBeGreaterThan(90);
});

test('what came before an error is told before it', async () => {
  const { groups, failure } = await collect(every(1, 3, new Error('cut')), 50);
  expect(groups.flatMap(({ items }) => items)).toEqual([1, 2, 3]);
  expect(failure).toEqual(new Error('cut'));
});

test('nothing is no group', async () => {
  expect(await collect(every(1, 0), 50)).toEqual({ groups: [], failure: undefined });
});

test('a source is kept waiting by whoever reads slowly, and ended when nobody reads any more', async () => {
  let told = 0;
  async function* endless(): AsyncGenerator<number> {
    for (;;) yield (told += 1);
  }
  const groups = inGroups(endless(), 1);
  await groups.next();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(told).toBeLessThanOrEqual(2_001);
  await groups.next();
  await groups.return(undefined);
  const last = told;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(told).toBe(last);
});
