// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { askedReason } from './asked-reason';

test('blanks are no reason, and none is longer than anybody reads', () => {
  expect([askedReason(''), askedReason(' \n\t '), askedReason(' disk swapped ')]).toEqual(['', '', 'disk swapped']);
  expect(askedReason('x'.repeat(1_000))).toHaveLength(1_000);
  expect(() => askedReason('x'.repeat(1_001))).toThrow(/at most 1000 characters/);
});
