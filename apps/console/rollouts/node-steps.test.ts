// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { sameSteps } from './node-steps';

test('nodes that would do the same are told once, and those that are left out last', () => {
  const steps = [
    { node: 'away', leftOut: 'It is not connected.' },
    { node: 'a', unloads: ['x'], loads: ['y'] },
    { node: 'b', loads: ['y', 'x'] },
    { node: 'c', unloads: ['x'], loads: ['y'] },
    { node: 'd', loads: ['x', 'y'] },
  ];
  expect(sameSteps(steps).map(({ nodes, loads }) => [nodes, loads])).toEqual([
    [['a', 'c'], ['y']],
    [['b'], ['y', 'x']],
    [['d'], ['x', 'y']],
    [['away'], []],
  ]);
});
