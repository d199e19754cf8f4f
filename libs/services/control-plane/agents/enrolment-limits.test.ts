// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { EnrolmentLimits, type Applicant } from './enrolment-limits';

const wrongToken = () => Promise.reject(new LockstepError('unauthenticated', 'join-token-refused', 'No.'));
const reasonOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'done',
    (error: unknown) => (error as LockstepError).reason,
  );

let limited = 0;
const onLimited = (): void => {
  limited += 1;
};

const at = (address: string, tokenSha256 = 'a'): Applicant => ({ address, tokenSha256 });

test('a wrong join token is looked up so often from one address and no more, and others behind that address are let in', async () => {
  let looked = 0;
  const limits = new EnrolmentLimits(onLimited);
  const guess = () => {
    looked += 1;
    return wrongToken();
  };
  const told: string[] = [];
  for (let count = 0; count < 30; count += 1) told.push(await reasonOf(limits.admit(at('10.0.0.1'), guess)));
  expect([looked, told.at(-1)]).toEqual([20, 'join-token-refused']);
  await expect(limits.admit(at('10.0.0.1'), guess)).rejects.toThrow(/refused 20 times within a minute from 10.0.0.1/);
  expect(await reasonOf(limits.admit(at('10.0.0.1', 'b'), () => Promise.resolve()))).toBe('done');
});

test('who shows a thousand wrong ones has none looked up for a minute and is told why, and others have', async () => {
  let nowMs = 0;
  let looked = 0;
  const limits = new EnrolmentLimits(onLimited, () => nowMs);
  const guess = () => {
    looked += 1;
    return wrongToken();
  };
  const told = new Set<string>();
  for (let count = 0; count < 1_100; count += 1) {
    told.add(await reasonOf(limits.admit(at('10.0.0.1', `guess ${count}`), guess)));
  }
  expect([looked, [...told]]).toEqual([1_000, ['join-token-refused', 'wrong-join-tokens']]);
  expect(limited).toBeGreaterThanOrEqual(100);
  expect(await reasonOf(limits.admit(at('10.0.0.2'), () => Promise.resolve()))).toBe('done');
  nowMs = 60_001;
  expect(await reasonOf(limits.admit(at('10.0.0.1'), () => Promise.resolve()))).toBe('done');
});

test('no more at once than can be done in time, and each that ends makes room', async () => {
  const limits = new EnrolmentLimits(onLimited);
  const ends: (() => void)[] = [];
  const enrol = () => reasonOf(limits.admit(at('10.0.0.1'), () => new Promise<void>((resolve) => ends.push(resolve))));
  const first = Array.from({ length: 32 }, enrol);
  expect(await enrol()).toBe('enrolling-many');
  ends[0]?.();
  expect(await first[0]).toBe('done');
  const next = enrol();
  for (const end of ends) end();
  expect(await next).toBe('done');
});
