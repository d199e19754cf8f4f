// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { divideObjects } from './divide-build';

const paths = (count: number): string[] => Array.from({ length: count }, (_, index) => `fs/${index}.o`);

test('a small patch is not divided; nor is one that reaches nothing', () => {
  expect(divideObjects(paths(16))).toEqual([paths(16)]);
  expect(divideObjects([])).toEqual([[]]);
});

test('every object is in one part, in order, and parts are neither many nor large without need', () => {
  fc.assert(
    fc.property(fc.integer({ min: 17, max: 3000 }), (count) => {
      const parts = divideObjects(paths(count));
      expect(parts.flat()).toEqual(paths(count));
      expect(parts.length).toBeGreaterThan(1);
      expect(parts.length).toBeLessThanOrEqual(48);
      expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(Math.max(12, Math.ceil(count / 48)));
    }),
  );
});
