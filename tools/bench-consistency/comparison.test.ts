// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { comparisonOf, describeComparison } from './comparison';

test('the interval of a difference is that of the pairs', () => {
  const comparison = comparisonOf([
    { oursNs: 102, stockNs: 100 },
    { oursNs: 104, stockNs: 100 },
    { oursNs: 203, stockNs: 200 },
  ]);
  expect(comparison).toMatchObject({ differenceNs: 3, stockNs: 400 / 3 });
  // Differences 2, 4, 3: deviation 1, t of two degrees of freedom 4.3.
  expect(comparison.marginNs).toBeCloseTo(4.3 / Math.sqrt(3));
  expect(describeComparison(comparison)).toContain('3.0 ns more on ours (95 % interval: ± 2.5 ns)');
});

test('one pair says nothing about how sure it is', () => {
  expect(comparisonOf([{ oursNs: 1, stockNs: 1 }]).marginNs).toBeNull();
});
