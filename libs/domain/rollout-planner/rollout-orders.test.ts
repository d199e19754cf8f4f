// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { planRollout } from './plan-rollout';
import type { RolloutOrder } from './rollout-order';
import type { PlanStatus, RolloutPlan } from './rollout-plan';
import { inventory, strict } from './test-inventory';

// What is said is stored with the plan that it leads to: without a plan of its own it could not be stored at all.
test.each<[string, string, RolloutOrder, PlanStatus]>([
  [
    'an overdue node is waited for again',
    'n1 there, n2 moving@4>5, n3 there',
    { kind: 'retry', reason: '', nodes: [] },
    'succeeded',
  ],
  ['it halts again at once', 'n1 failed@4>5, n2 off, n3 off', { kind: 'resume', reason: 'seen to' }, 'halted'],
])('an order leads to a plan of its own, also where %s', (_, facts, order, status) => {
  const policy = { ...strict, allowedFailures: { nodes: 1 } };
  const planAt = (time: number, parent: RolloutPlan | null, said?: RolloutOrder): RolloutPlan =>
    planRollout({ policy, parent, nowMs: time * policy.deadlineMs, inventory: inventory(facts), order: said });
  const ready = inventory('n1 ready, n2 ready, n3 ready');
  let plan = planRollout({ policy, parent: null, nowMs: 0, inventory: ready });
  for (const time of [2, 4, 6, 8, 10]) plan = planAt(time, plan);
  expect(plan.status).toBe(status);
  for (const time of [20, 30, 40]) {
    const next = planAt(time, plan, order);
    expect(next.parent).toBe(plan.generation);
    plan = planAt(time + 5, next);
    expect(plan.status).toBe(status);
  }
});
