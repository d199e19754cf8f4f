// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { hostileShapes } from '../hostile/hostile-shapes';
import { laterShapes } from '../hostile/later-shapes';
import { testShapes } from '../hostile/run-shapes';

const shapes = [...hostileShapes, ...laterShapes];

test('each has a name of its own', () => {
  expect(new Set(shapes.map(({ name }) => name)).size).toBe(shapes.length);
  expect(shapes.length).toBeGreaterThanOrEqual(60);
});

testShapes(shapes);
