// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { spread } from './prove-objects';

test('each object once, and the first ones are spread over all', () => {
  const all = Array.from({ length: 4715 }, (_, index) => index);
  const order = spread(all);
  expect([...order].sort((a, b) => a - b)).toEqual(all);
  const tenths = new Set(order.slice(0, 47).map((index) => Math.floor((index * 10) / all.length)));
  expect(tenths.size).toBe(10);
});
