// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseSeq, type PatchName } from '@lockstep/domain/livepatch-model';
import { explainHalt, explainNotYet } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import type { RetiredLoad } from './retired-loads';
import { refuseOrder } from './rollout-order';
import type { RolloutPlan } from './rollout-plan';
import { takenBack } from './taken-back';
import { byOne, inventory, moved, show } from './test-inventory';

const retired: RetiredLoad[] = [{ seq: parseSeq(5), patchName: 'fix' as PatchName, by: parseSeq(6) }];
const planOf = (facts: string, parent: RolloutPlan | null, meanwhile: readonly RetiredLoad[] = retired): RolloutPlan =>
  planRollout({ policy: byOne, parent, nowMs: 0, inventory: inventory(facts), retired: meanwhile });

test('a rollout whose patch was retired starts nobody, lets who is on the way finish, and says why', () => {
  const first = planOf('n1 ready, n2 ready', null, []);
  const plan = planOf('n1 moving@4>5, n2 ready', first);
  expect(show(plan)).toBe('n1/0 moving, n2/1 rollout-halted');
  expect(moved(plan)).toBe('');
  expect(explainHalt(plan.halt!)).toBe('It was retired meanwhile, and nodes had yet to load it: fix (#5) by #6.');
  expect(refuseOrder({ kind: 'resume', reason: 'all the same' }, plan, 0)).toEqual({ reason: 'patch-retired' });
  expect(refuseOrder({ kind: 'abort', reason: '' }, plan, 0)).toBeUndefined();
});

test('one that has nothing left to load of it goes on to its end', () => {
  const first = planOf('n1 ready, n2 ready', null, []);
  const second = planOf('n1 there, n2 ready', first, []);
  const third = planOf('n1 there, n2 moving@4>5', second);
  expect(third.status).toBe('running');
  expect(planOf('n1 there, n2 there', third).status).toBe('succeeded');
});

test('an older entry that is retired meanwhile, and that all hold, is no reason', () => {
  const older = [{ ...retired[0]!, seq: parseSeq(3) }];
  const first = planOf('n1 ready, n2 ready', null, []);
  expect(planOf('n1 there, n2 ready', first, older).status).toBe('running');
});

test('after a success nobody who comes late is brought to what is being taken back, and it is said', () => {
  const done = planOf('n1 there, n2 there', null, []);
  expect(done.status).toBe('succeeded');
  const late = planOf('n1 there, n2 there, n3 ready', done);
  expect([moved(late), show(late)]).toEqual(['', 'n1/0 there, n2/1 there, n3/late retired']);
  expect(explainNotYet(late.nodes[2]!.notYet!, late)).toMatch(/fix \(#5\) by #6/);
  expect(moved(planOf('n1 there, n2 there, n3 ready', late, []))).toBe('n3');
});

test('what is retired is being taken back while a rollout to that entry, or beyond it, has not ended', () => {
  const by = (toSeq: number, status: RolloutPlan['status']): number =>
    takenBack(retired, [{ toSeq: parseSeq(toSeq), status }]).length;
  expect([by(6, 'running'), by(7, 'paused'), by(6, 'halted')]).toEqual([1, 1, 1]);
  expect([by(5, 'running'), by(6, 'aborted'), by(6, 'succeeded')]).toEqual([0, 0, 0]);
});

test('nor is one that was let go, was away, and has not taken it up', () => {
  const done = planOf('n1 there, n2 there, n3 ready', planOf('n1 there, n2 there', null, []), []);
  expect(moved(done)).toBe('n3');
  const away = planOf('n1 there, n2 there, n3 off', done);
  const back = planOf('n1 there, n2 there, n3 ready', away);
  expect([moved(back), show(back)]).toEqual(['', 'n1/0 there, n2/1 there, n3/late retired']);
  const silent = planOf('n1 there, n2 there, n3 silent', away);
  expect([moved(silent), show(silent)]).toEqual(['', 'n1/0 there, n2/1 there, n3/late retired']);
  // Who has taken it up finishes.
  expect(show(planOf('n1 there, n2 there, n3 moving@4>5', away))).toBe('n1/0 there, n2/1 there, n3/late moving');
});
