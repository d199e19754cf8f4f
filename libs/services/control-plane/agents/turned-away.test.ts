// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { comeBackWithinMs } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { TurnedAway } from './turned-away';

const refusal = (reason: string) => new LockstepError('forbidden', reason, 'It is no good.', { node: 'n1' });
const shown = (text: string): Buffer => Buffer.from(text);

function turningAway() {
  let nowMs = 0;
  const turnedAway = new TurnedAway(() => nowMs);
  /** What it is told, each time after half of the time that it was told before. */
  const tries = (count: number, reason: string, certificate: string): (number | undefined)[] =>
    Array.from({ length: count }, () => {
      const withinMs = comeBackWithinMs(turnedAway.tell(refusal(reason), shown(certificate)));
      nowMs += (withinMs ?? 0) / 2;
      return withinMs;
    });
  return { turnedAway, tries, pass: (ms: number) => (nowMs += ms) };
}

test('whoever shows a revoked certificate is told to come within twice the time of before, up to ten minutes', () => {
  const { tries } = turningAway();
  expect(tries(7, 'certificate-revoked', 'a')).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
});

test('what may be known in a moment begins with a second, and what a clock mends ends with a minute', () => {
  const { tries } = turningAway();
  expect(tries(3, 'unknown-node', 'a')).toEqual([1_000, 2_000, 4_000]);
  expect(tries(8, 'certificate-not-yet-valid', 'b').at(-1)).toBe(60_000);
  expect(tries(1, 'unknown-node', 'c')).toEqual([1_000]);
});

test('who has been away for long begins anew; a certificate that is revoked meanwhile does not begin with a second', () => {
  const { tries, pass } = turningAway();
  tries(3, 'unknown-node', 'a');
  expect(tries(1, 'certificate-revoked', 'a')).toEqual([30_000]);
  pass(3_600_000);
  expect(tries(1, 'unknown-node', 'a')).toEqual([1_000]);
});

test('the error is told as it was, with the time; one of a stranger, or of ours, as it is', () => {
  const { turnedAway } = turningAway();
  const error = refusal('certificate-revoked');
  expect(turnedAway.tell(error, shown('a'))).toMatchObject({
    ...{ kind: 'forbidden', reason: 'certificate-revoked', message: error.message },
    fields: { node: 'n1', comeBackWithinMs: 30_000 },
  });
  expect(turnedAway.tell(error, undefined)).toBe(error);
  const bug = new Error('a bug');
  expect(turnedAway.tell(bug, shown('a'))).toBe(bug);
});

test('of more than are remembered the one that was told longest ago begins anew', () => {
  const { tries } = turningAway();
  tries(2, 'unknown-node', 'first');
  for (let other = 0; other < 20_000; other += 1) tries(1, 'certificate-revoked', `other ${other}`);
  expect(tries(1, 'unknown-node', 'first')).toEqual([1_000]);
});
