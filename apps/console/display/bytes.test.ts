// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { byteWords } from './bytes';

test('a size is told in few digits and the unit that fits', () => {
  expect([0, 999, 1_000, 15_300, 456_789_000, 12e9, 5e15].map(byteWords)).toEqual([
    ...['0 B', '999 B', '1.0 KB', '15.3 KB', '457 MB', '12.0 GB', '5000 TB'],
  ]);
});
