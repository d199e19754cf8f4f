// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { afterGap } from './after-gap';
import { planRollout } from './plan-rollout';
import type { RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { inventory, moved, show, strict } from './test-inventory';

const policy: RolloutPolicy = { ...strict, bakeMs: 100, deadlineMs: 1_000 };
const plan = (parent: RolloutPlan | null, nowMs: number, nodes: string): RolloutPlan =>
  planRollout({ policy, parent, nowMs, inventory: inventory(nodes) });

const begun = plan(null, 0, 'n1 ready, n2 ready');
/** All of the canaries are there since 10. */
const baking = plan(begun, 10, 'n1 there, n2 ready');
const stillThere = 'n1 there, n2 ready';

test.each([
  ['hours in which nobody looked', 3_600_000],
  ['a clock that was put back', -3_600_000],
])('%s prove no wave, and take nothing from what was proved', (_, gapMs) => {
  // Without it the first look after hours lets the wave pass.
  expect(moved(plan(baking, 60 + 3_600_000, stillThere))).toBe('n2');
  const again = afterGap(baking, gapMs)!;
  expect([again.generation, again.parent]).toEqual([baking.generation + 1, baking.generation]);
  // The last look was at 60: half of it was left.
  const nowMs = 60 + gapMs;
  expect(plan(again, nowMs, stillThere).waiting).toEqual({ reason: 'bake', wave: 0, untilMs: nowMs + 50 });
  expect(moved(plan(again, nowMs + 49, stillThere))).toBe('');
  expect(moved(plan(again, nowMs + 50, stillThere))).toBe('n2');
});

test('who was on the way has what was left of its time', () => {
  const moving = plan(begun, 10, 'n1 moving@4>5, n2 ready');
  expect(show(plan(moving, 3_600_000, 'n1 moving@4>5, n2 ready'))).toMatch(/n1\/0 overdue/);
  const again = afterGap(moving, 3_600_000)!;
  expect(show(plan(again, 3_600_900, 'n1 moving@4>5, n2 ready'))).toMatch(/n1\/0 moving/);
  expect(show(plan(again, 3_601_001, 'n1 moving@4>5, n2 ready'))).toMatch(/n1\/0 overdue/);
});

test('where nothing is counted nothing is stored for it: who is away is away since when it went', () => {
  const away = planRollout({ policy, parent: null, nowMs: 0, inventory: inventory('n1 off, n2 off') });
  expect(afterGap(away, 3_600_000)).toBeUndefined();
});
