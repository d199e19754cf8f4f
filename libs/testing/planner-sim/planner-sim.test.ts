// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { simulateRollout } from './simulate-rollout';

const runs = 1_500;

test('random rollouts keep every rule and come to an end, and all ends are met', () => {
  const ends = new Map<string, number>();
  for (let seed = 1; seed <= runs; seed += 1) {
    const { violations, status } = simulateRollout(seed);
    expect({ seed, violations }).toEqual({ seed, violations: [] });
    ends.set(status, (ends.get(status) ?? 0) + 1);
  }
  expect([...ends.keys()].sort()).toEqual(['aborted', 'halted', 'paused', 'running', 'succeeded']);
});

test('the same seed is the same history', () => {
  expect(simulateRollout(7)).toEqual(simulateRollout(7));
});
