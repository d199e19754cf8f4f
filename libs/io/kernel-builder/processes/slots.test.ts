// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { takeFurtherSlot, takeSlot, type Slot } from './slots';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-slots-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const give = async ({ lock }: Slot): Promise<void> => lock[Symbol.asyncDispose]();

/** All that there are. */
async function takeAll(): Promise<Slot[]> {
  const taken: Slot[] = [];
  for (let n = 0; n < 8; n += 1) taken.push(await takeSlot(dir));
  return taken;
}

test('each holder has one of its own; who comes when all are taken gets the first that is given back', async () => {
  const taken = await takeAll();
  expect(taken.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  const waiting = takeSlot(dir);
  await give(taken[5] as Slot);
  expect((await waiting).slot).toBe(5);
  await Promise.all([...taken.filter((_, index) => index !== 5), await waiting].map(give));
});

test('who waits can be told to stop', async () => {
  const taken = await takeAll();
  await expect(takeSlot(dir, AbortSignal.timeout(20))).rejects.toThrow();
  await Promise.all(taken.map(give));
});

test('whoever has one gets a further one while all are taken: holders never wait for each other, nor for themselves', async () => {
  const taken = await takeAll();
  const further = [await takeFurtherSlot(dir), await takeFurtherSlot(dir)];
  expect(further.map(({ slot }) => slot)).toEqual([8, 9]);
  await Promise.all([...taken, ...further].map(give));
});
