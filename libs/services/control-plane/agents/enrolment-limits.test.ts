// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { EnrolmentLimits } from './enrolment-limits';

const wrongToken = () => Promise.reject(new LockstepError('unauthenticated', 'join-token-refused', 'No.'));
const reasonOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'done',
    (error: unknown) => (error as LockstepError).reason,
  );

test('who shows wrong join tokens again and again has none looked up for a minute, and others have', async () => {
  let nowMs = 0;
  let looked = 0;
  const limits = new EnrolmentLimits(() => nowMs);
  const guess = () => {
    looked += 1;
    return wrongToken();
  };
  const told: string[] = [];
  for (let count = 0; count < 30; count += 1) told.push(await reasonOf(limits.admit('10.0.0.1', guess)));
  expect([looked, told.at(-1)]).toEqual([20, 'enrolling-many']);
  expect(await reasonOf(limits.admit('10.0.0.2', () => Promise.resolve()))).toBe('done');
  nowMs = 60_001;
  expect(await reasonOf(limits.admit('10.0.0.1', () => Promise.resolve()))).toBe('done');
});

test('no more at once than can be done in time, and each that ends makes room', async () => {
  const limits = new EnrolmentLimits();
  const ends: (() => void)[] = [];
  const enrol = () => reasonOf(limits.admit('10.0.0.1', () => new Promise<void>((resolve) => ends.push(resolve))));
  const first = Array.from({ length: 32 }, enrol);
  expect(await enrol()).toBe('enrolling-many');
  ends[0]?.();
  expect(await first[0]).toBe('done');
  const next = enrol();
  for (const end of ends) end();
  expect(await next).toBe('done');
});
