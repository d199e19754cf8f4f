// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { explainWaiting } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import type { RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { byOne, inventory, moved, show, strict } from './test-inventory';

/** Plans one after the other, in ms of a clock of its own. */
function rollout(policy: RolloutPolicy): (nowMs: number, facts: string) => RolloutPlan {
  let parent: RolloutPlan | null = null;
  return (nowMs, facts) => {
    parent = planRollout({ policy, parent, nowMs, inventory: inventory(facts) });
    return parent;
  };
}

const passed = ({ waves }: RolloutPlan): boolean[] => waves.map(({ passedAtMs }) => passedAtMs !== null);
const byTwo: RolloutPolicy = { ...strict, waves: [{ nodes: 2 }], deadlineMs: 10 };

test('a wave of which all are away does not pass untried: as many of the next take its place, and no more', () => {
  const at = rollout(byTwo);
  at(0, 'n0 ready, n1 ready, n2 ready, n3 ready, n4 ready, n5 ready');
  const filled = at(1, 'n0 there, n1 off, n2 off, n3 ready, n4 ready, n5 ready');
  expect([show(filled), moved(filled), passed(filled)]).toEqual([
    'n0/0 there, n1/1 disconnected, n2/1 disconnected, n3/1 moving, n4/1 moving, n5/3 waiting-for-wave',
    'n3 n4',
    [true, false, false, false],
  ]);
  const next = at(2, 'n0 there, n1 off, n2 off, n3 there, n4 there, n5 ready');
  expect([moved(next), passed(next)]).toEqual(['n5', [true, true, false, false]]);
});

test('so is a wave that failed as a whole, when an operator goes on', () => {
  const at = rollout(byOne);
  const first = at(0, 'n0 ready, n1 ready, n2 ready');
  at(1, 'n0 there, n1 ready, n2 ready');
  const halted = at(2, 'n0 there, n1 failed>5, n2 ready');
  expect([first.status, halted.status]).toEqual(['running', 'halted']);
  const resumed = planRollout({
    ...{ policy: byOne, parent: halted, nowMs: 3, inventory: inventory('n0 there, n1 failed>5, n2 ready') },
    order: { kind: 'resume', reason: 'n1 has a broken disk' },
  });
  expect([show(resumed), passed(resumed)]).toEqual(['n0/0 there, n1/1 failed, n2/1 moving', [true, false, false]]);
});

test('with nobody left to try it the rollout says whom it waits for and until when, and ends with the wave not passed', () => {
  const at = rollout(byTwo);
  at(0, 'n0 ready, n1 ready, n2 ready, n3 ready');
  const waiting = at(1, 'n0 there, n1 off, n2 off, n3 off');
  expect(waiting.status).toBe('running');
  expect(waiting.waiting).toEqual({ reason: 'absent', nodes: ['n1', 'n2', 'n3'], count: 3, untilMs: 11 });
  expect(explainWaiting(waiting.waiting!, waiting)).toBe('Nobody else is to be tried; waits for n1, n2, n3.');
  const ended = at(11, 'n0 there, n1 off, n2 off, n3 off');
  expect([ended.status, show(ended), passed(ended)]).toEqual([
    'succeeded',
    'n0/0 there, n1/1 unreachable, n2/1 unreachable, n3/2 unreachable',
    [true, false, false],
  ]);
});

test('who returns after the success goes wave by wave too where nobody has tried it, and a failure keeps the rest', () => {
  const at = rollout(byTwo);
  at(0, 'n0 ready, n1 ready, n2 ready, n3 ready');
  at(1, 'n0 there, n1 off, n2 off, n3 off');
  at(11, 'n0 there, n1 off, n2 off, n3 off');
  const back = at(20, 'n0 there, n1 ready, n2 ready, n3 ready, n4 ready');
  expect([back.status, moved(back)]).toEqual(['succeeded', 'n1 n2 n4']);
  expect(moved(at(21, 'n0 there, n1 there, n2 failed>5, n3 ready, n4 there'))).toBe('');
  const healed = 'n0 there, n1 there, n2 there, n3 ready, n4 there';
  expect([moved(at(22, healed)), moved(at(23, healed))]).toEqual(['n3', 'n3']);
});
