// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { failureFromText, failureOf, failureToText } from './failure-text';

describe('job failures', () => {
  test.each([
    [new LockstepError('invalid-input', 'compile-failed', 'x.c:1: error'), false],
    [new LockstepError('refused', 'unsupported-change', 'Kconfig'), false],
    [new LockstepError('unavailable', 'artifact-store-unwritable', 'disk full'), true],
    [new TypeError('our bug'), true],
  ])('%s keeps reason and message; retryable: %s', (error, retryable) => {
    const failure = failureOf(error);
    expect(failure.retryable).toBe(retryable);
    expect(failure.message).toContain(error.message);
    expect(failureFromText(failureToText(failure))).toEqual(failure);
  });

  test('the queue’s own words are understood', () => {
    expect(failureFromText('job stalled more than allowable limit')).toMatchObject({
      reason: 'worker-lost',
      retryable: true,
    });
    expect(failureFromText('null')).toMatchObject({ reason: 'internal' });
    expect(failureFromText('{"reason":1}')).toMatchObject({ reason: 'internal', retryable: true });
  });

  test.each([
    ['NUL', 'x.c:1: stray \0 in program', 'x.c:1: stray \ufffd in program'],
    ['half a pair', 'a\ud83db', 'a\ufffdb'],
    ['a pair at the cut', `${'e'.repeat(15_999)}\u{1f6e0}`, `${'e'.repeat(15_999)}\ufffd`],
  ])('what PostgreSQL cannot keep is replaced: %s', (_, text, kept) => {
    expect(failureOf(new LockstepError('invalid-input', 'compile-failed', text)).message).toBe(kept);
  });

  test('an endless message is cut', () => {
    expect(failureOf(new LockstepError('invalid-input', 'compile-failed', 'e'.repeat(1e6))).message).toHaveLength(
      16_000,
    );
  });
});
