// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { byUrgency, hasEnded, isInTheWay, wavesOf } from './rollout';

describe('the ladder of waves', () => {
  const waves = [
    { planned: 1, there: 1, passedAt: '2030-01-01T00:00:00Z' },
    { planned: 10, there: 3, moving: 2, failures: 1, allowedFailures: 1, atOnce: 4 },
    { planned: 20 },
  ];

  test('has one step that is open, what passed below it and what comes above', () => {
    const ladder = wavesOf({ status: 'ROLLOUT_STATUS_RUNNING', waves });
    expect(ladder.map(({ state, waiting }) => [state, waiting])).toEqual([
      ['passed', 0],
      ['open', 4],
      ['next', 20],
    ]);
  });

  test('has an open step also where it halted, which ends it only until somebody resumes it', () => {
    const halted = { status: 'ROLLOUT_STATUS_HALTED', endedAt: '2030-01-01T00:00:00Z', waves } as const;
    expect(wavesOf(halted).map(({ state }) => state)).toEqual(['passed', 'open', 'next']);
    expect(hasEnded(halted)).toBe(false);
  });

  test('of a rollout that has ended no step is open', () => {
    const ladder = wavesOf({ status: 'ROLLOUT_STATUS_ABORTED', endedAt: '2030-01-01T00:00:00Z', waves });
    expect(ladder.map(({ state }) => state)).toEqual(['passed', 'next', 'next']);
  });
});

test('who may need somebody comes before who moves, who waits and who is there', () => {
  const nodes = [
    { node: 'there' },
    { node: 'b-waits', wave: 2, notYet: { reason: 'waiting-for-wave' } },
    { node: 'a-waits', wave: 2, notYet: { reason: 'waiting-for-wave' } },
    { node: 'moves', wave: 1, awaited: true, notYet: { reason: 'moving' } },
    { node: 'failed', wave: 1, awaited: true, notYet: { reason: 'failed' } },
    { node: 'lost', awaited: true, notYet: { reason: 'lost' } },
  ];
  expect(byUrgency(nodes).map(({ node }) => node)).toEqual(['lost', 'failed', 'moves', 'a-waits', 'b-waits', 'there']);
  expect(nodes.filter(isInTheWay).map(({ node }) => node)).toEqual(['failed', 'lost']);
});

test('nobody is in the way of a rollout that waits for people, or for its window', () => {
  const waits = ['waiting-for-approval', 'waiting-for-window', 'waiting-for-budget', 'rollout-paused'];
  expect(waits.filter((reason) => isInTheWay({ node: 'n', notYet: { reason } }))).toEqual([]);
});
