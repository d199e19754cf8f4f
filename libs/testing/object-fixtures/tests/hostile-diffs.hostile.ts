// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { hostileShapes } from '../hostile/hostile-shapes';
import { testShapes } from '../hostile/run-shapes';

test('each has a name of its own', () => {
  expect(new Set(hostileShapes.map(({ name }) => name)).size).toBe(hostileShapes.length);
  expect(hostileShapes.length).toBeGreaterThanOrEqual(60);
});

testShapes(hostileShapes);
