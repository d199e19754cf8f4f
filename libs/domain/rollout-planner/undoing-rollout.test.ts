// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { planRollout } from './plan-rollout';
import type { RolloutPlan } from './rollout-plan';
import { byOne, inventory, moved, show } from './test-inventory';

/** Takes back what was shipped after #3. */
const undoing = { ...byOne, undoes: { rollout: 'before', after: parseSeq(3) } };
const planOf = (facts: string, parent: RolloutPlan | null = null, nowMs = 0): RolloutPlan =>
  planRollout({ policy: undoing, parent, nowMs, inventory: inventory(facts) });

test('who holds something of what is undone goes first, however it is; who holds nothing of it last', () => {
  const plan = planOf('n1 ready@3, n2 quarantined@4>4, n3 failed@4>4, n4 ready@4');
  expect(show(plan)).toBe('n1/3 waiting-for-canary, n2/0 moving, n3/1 waiting-for-canary, n4/2 waiting-for-canary');
  expect(moved(plan)).toBe('n2');
});

test('who did not survive what is undone, and cannot get rid of it either, halts nothing', () => {
  const first = planOf('n1 quarantined@4>4, n2 ready, n3 ready');
  expect(moved(first)).toBe('n1');
  const second = planOf('n1 quarantined@4>5, n2 ready, n3 ready', first);
  // Nobody has tried it: another canary takes its place.
  expect(show(second)).toBe('n1/0 quarantined, n2/0 moving, n3/2 waiting-for-canary');
  expect(second.status).toBe('running');
});

test('who gets well by it and fails after that is news', () => {
  const first = planOf('n1 failed@4>4, n2 ready');
  const there = planOf('n1 there, n2 moving@4>5', first);
  const after = planOf('n1 failed@5>5, n2 moving@4>5', there);
  expect(after.halt).toMatchObject({ reason: 'failures', nodes: ['n1'] });
});

test('another rollout is halted by the same', () => {
  const first = planRollout({ policy: byOne, parent: null, nowMs: 0, inventory: inventory('n1 ready, n2 failed@4>4') });
  expect(moved(first)).toBe('n1');
  const last = inventory('n1 there, n2 failed@4>5');
  const released = planRollout({
    policy: byOne,
    parent: first,
    nowMs: 1,
    inventory: inventory('n1 there, n2 failed@4>4'),
  });
  expect(planRollout({ policy: byOne, parent: released, nowMs: 2, inventory: last }).halt?.reason).toBe('failures');
});
