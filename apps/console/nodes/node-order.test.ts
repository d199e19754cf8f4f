// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { chosenOrder, orderBy, orderOf } from './node-order';

test('an address says by which column, and which way round; what is no column is by name', () => {
  expect(orderBy(orderOf(''))).toBeUndefined();
  expect(orderBy(orderOf('-name'))).toBe('name desc');
  expect(orderBy(orderOf('state'))).toBe('status');
  expect(orderBy(orderOf('-heard'))).toBe('last_seen desc');
  for (const text of ['toString', '-constructor', 'about', '--name']) expect(orderBy(orderOf(text))).toBeUndefined();
});

test('choosing a column sorts by it, again turns it round, and once more back', () => {
  expect(chosenOrder('state', orderOf(''))).toBe('state');
  expect(chosenOrder('state', orderOf('state'))).toBe('-state');
  expect(chosenOrder('state', orderOf('-state'))).toBe('state');
  expect(chosenOrder('name', orderOf(''))).toBe('-name');
  expect(chosenOrder('name', orderOf('-name'))).toBe('');
});
