// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { counted } from './index';

test('one of a thing is one, and none are many', () => {
  expect([0, 1, 2].map((count) => counted(count, 'node'))).toEqual(['0 nodes', '1 node', '2 nodes']);
  expect([1, 3].map((count) => counted(count, 'entry', 'entries'))).toEqual(['1 entry', '3 entries']);
});
