// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { fetchWindowMs } from './fetch-window';

test('grows with the fleet, between limits', () => {
  expect([1, 1_000, 10_000, 1_000_000].map(fetchWindowMs)).toEqual([5_000, 10_000, 100_000, 600_000]);
});
