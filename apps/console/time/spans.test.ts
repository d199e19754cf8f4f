// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { distanceWords, spanWords } from './spans';

test.each([
  [0, '0 s'],
  [999, '1 s'],
  [59_000, '59 s'],
  [60_000, '1 min'],
  [119_000, '1 min'],
  [3_600_000, '1 h'],
  [3_600_000 + 20 * 60_000, '1 h 20 min'],
  [11 * 3_600_000 + 20 * 60_000, '11 h'],
  [26 * 3_600_000, '1 d 2 h'],
  [400 * 86_400_000, '400 d'],
])('%i ms are %s', (ms, words) => {
  expect(spanWords(ms)).toBe(words);
});

test('a time that was is ago, one that comes is in, by the same distance', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 1e11 }), (ms) => {
      expect(distanceWords(0, ms)).toBe(`${spanWords(ms)} ago`);
      expect(distanceWords(ms, 0)).toBe(`in ${spanWords(ms)}`);
    }),
  );
  expect(distanceWords(500, 0)).toBe('now');
});
