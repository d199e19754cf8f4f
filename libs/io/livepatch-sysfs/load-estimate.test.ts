// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { walksOfSymbols } from './load-estimate';

test('a stock kernel goes through its symbols for each that it looks up, the patched core and later kernels do not', () => {
  expect(walksOfSymbols('6.1.0-50-amd64', 640, false)).toBe(640);
  expect(walksOfSymbols('6.1.192', 640, true)).toBe(4);
  expect(walksOfSymbols('5.15.135', 1, true)).toBe(1);
  expect(walksOfSymbols('6.12.3', 640, false)).toBe(0);
});
