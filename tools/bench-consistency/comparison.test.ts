// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { comparisonOf, describeComparison } from './comparison';

test('the interval of a difference is that of the pairs', () => {
  const comparison = comparisonOf([
    { ours: 102, stock: 100 },
    { ours: 104, stock: 100 },
    { ours: 203, stock: 200 },
  ]);
  expect(comparison).toMatchObject({ difference: 3, stock: 400 / 3 });
  // Differences 2, 4, 3: deviation 1, t of two degrees of freedom 4.3.
  expect(comparison.margin).toBeCloseTo(4.3 / Math.sqrt(3));
  expect(describeComparison(comparison)).toContain('3.0 more on ours (95 % interval: ± 2.5)');
});

test('one pair says nothing about how sure it is', () => {
  expect(comparisonOf([{ ours: 1, stock: 1 }]).margin).toBeNull();
});
