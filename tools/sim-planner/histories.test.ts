// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { added, nothingYet, playStretch, stretches } from './histories';

test('in stretches they are the same histories, whoever plays which', () => {
  const whole = { seed: 11, runs: 23 };
  const parts = stretches(whole, 5);
  expect(parts.map(({ seed, runs }) => [seed, runs])).toEqual([
    [11, 5],
    [16, 5],
    [21, 5],
    [26, 5],
    [31, 3],
  ]);
  expect(parts.reverse().map(playStretch).reduce(added, nothingYet)).toEqual(playStretch(whole));
});

test('what is broken is told by its seed, in order', () => {
  const broken = (seed: number) => ({ ...nothingYet, runs: 1, broken: [{ seed, violations: ['x'] }] });
  expect(added(broken(9), broken(3)).broken.map(({ seed }) => seed)).toEqual([3, 9]);
});
