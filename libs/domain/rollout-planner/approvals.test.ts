// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { parseGate, parseProbe } from '@lockstep/domain/probes';
import { countApprovals } from './approvals';
import { refuseApprovals, type ApprovalRules } from './approval-rules';
import { planRollout } from './plan-rollout';
import { refuseOrder, type RolloutOrder } from './rollout-order';
import type { RolloutPlan } from './rollout-plan';
import { refuseRules, type RolloutPolicy } from './rollout-policy';
import { inventory, moved, show, strict } from './test-inventory';

const approvals: ApprovalRules = { needed: 2, among: [], author: 'person:alice', validMs: 100 };
const policy: RolloutPolicy = { ...strict, approvals };
const facts = 'n1 ready, n2 ready, n3 ready';

const first = planRollout({ policy, parent: null, nowMs: 0, inventory: inventory(facts) });
const after = (parent: RolloutPlan, nowMs: number, nodes = facts, order?: RolloutOrder): RolloutPlan =>
  planRollout({ policy, parent, nowMs, inventory: inventory(nodes), order });
const approve = (parent: RolloutPlan, who: string): RolloutOrder => ({
  ...{ kind: 'approve', reason: '', by: `person:${who}`, hash: parent.approvals!.hash },
});

test('nothing begins before two distinct people have approved, and the author is none of them', () => {
  expect(moved(first)).toBe('');
  expect(show(first)).toBe('n1/0 waiting-for-approval, n2/1 waiting-for-canary, n3/1 waiting-for-canary');
  expect(first.waiting).toMatchObject({ reason: 'approval', given: 0, needed: 2 });
  const one = after(first, 1, facts, approve(first, 'bob'));
  expect([moved(one), one.waiting]).toEqual(['', { reason: 'approval', given: 1, needed: 2, untilMs: null }]);
  expect(refuseOrder(approve(one, 'bob'), one, 1)).toMatchObject({ reason: 'approved-already' });
  expect(refuseOrder(approve(one, 'alice'), one, 1)).toMatchObject({ reason: 'own-approval' });
  // Let through all the same, it counts for nothing.
  expect(moved(after(one, 2, facts, approve(one, 'alice')))).toBe('');
  const two = after(one, 2, facts, approve(one, 'carol'));
  expect([moved(two), two.approvals?.begun]).toEqual(['n1', true]);
  expect(refuseOrder(approve(two, 'dave'), two, 2)).toMatchObject({ reason: 'no-approval-needed' });
});

test('any change of who is in which wave voids them; a node that is away, or comes late, does not', () => {
  const one = after(first, 1, facts, approve(first, 'bob'));
  expect(after(one, 2, 'n1 ready, n2 off, n3 ready, n4 ready').waiting).toMatchObject({ given: 1 });
  const left = after(one, 2, 'n1 ready, n3 ready');
  expect(left.waiting).toMatchObject({ given: 0 });
  expect(refuseOrder(approve(one, 'carol'), left, 2)).toMatchObject({
    reason: 'other-plan',
    hash: left.approvals?.hash,
  });
  expect(left.generation).toBe(one.generation + 1);
});

test('they expire, and what has begun with them goes on', () => {
  const one = after(first, 0, facts, approve(first, 'bob'));
  const late = after(one, 100, facts, approve(one, 'carol'));
  expect([moved(late), late.waiting]).toEqual(['', { reason: 'approval', given: 1, needed: 2, untilMs: null }]);
  const begun = after(one, 99, facts, approve(one, 'carol'));
  expect(moved(after(begun, 500, 'n1 there, n2 ready, n3 ready'))).toBe('n2 n3');
  // By how many it was approved is told for ever.
  expect(countApprovals(begun.approvals!, 500)).toBe(2);
});

test('who approved and waited too long approves again', () => {
  const one = after(first, 0, facts, approve(first, 'bob'));
  expect(refuseOrder(approve(one, 'bob'), one, 99)).toMatchObject({ reason: 'approved-already' });
  expect(refuseOrder(approve(one, 'bob'), one, 100)).toBeUndefined();
  const anew = after(one, 100, facts, approve(one, 'bob'));
  expect(moved(after(anew, 150, facts, approve(one, 'carol')))).toBe('n1');
});

test('one with nothing to begin asks nobody; who comes late begins with approvals', () => {
  const there = 'n1 there, n2 there, n3 there';
  const baking = { ...policy, bakeMs: 50 };
  const plan = (parent: RolloutPlan | null, nowMs: number, nodes: string, order?: RolloutOrder): RolloutPlan =>
    planRollout({ policy: baking, parent, nowMs, inventory: inventory(nodes), order });
  const start = plan(null, 0, there);
  expect(start.waiting).toMatchObject({ reason: 'bake' });
  // Somebody who is to move is asked about.
  expect(plan(start, 1, 'n1 there, n2 there, n3 ready').waiting).toMatchObject({ reason: 'approval' });
  expect(plan(null, 0, 'n1 there, n2 there, n3 off').waiting).toMatchObject({ reason: 'approval' });
  const first = plan(start, 50, there);
  const done = plan(first, 100, there);
  expect([done.status, done.waiting, done.approvals?.begun]).toEqual(['succeeded', null, false]);
  const late = plan(done, 500, `${there}, n4 ready`);
  expect([moved(late), show(late)]).toEqual(['', expect.stringMatching(/n4\/late waiting-for-approval/)]);
  expect(refuseOrder(approve(late, 'bob'), late, 500)).toBeUndefined();
  const one = plan(late, 501, `${there}, n4 ready`, approve(late, 'bob'));
  const two = plan(one, 502, `${there}, n4 ready`, approve(late, 'carol'));
  expect([moved(one), moved(two), two.approvals?.begun]).toEqual(['', 'n4', true]);
  expect(refuseOrder(approve(two, 'dave'), two, 503)).toMatchObject({ reason: 'rollout-ended' });
});

test('one that was approved asks nobody again once it has succeeded', () => {
  const start = after(after(first, 1, facts, approve(first, 'bob')), 2, facts, approve(first, 'carol'));
  const there = 'n1 there, n2 there, n3 there';
  const done = after(after(start, 3, 'n1 there, n2 ready, n3 ready'), 4, there);
  expect([done.status, done.approvals?.begun]).toEqual(['succeeded', true]);
  expect(moved(after(done, 500, `${there}, n4 ready`))).toBe('n4');
});

test('a clock that was put back lets none count for longer', () => {
  const ahead = after(first, 1_000_000, facts, approve(first, 'bob'));
  const put = after(ahead, 0);
  expect(put.waiting).toMatchObject({ given: 1 });
  const one = after(ahead, 0, facts, approve(ahead, 'carol'));
  expect(moved(one)).toBe('n1');
  const late = after(put, 100, facts, approve(put, 'carol'));
  expect([moved(late), late.waiting]).toEqual(['', expect.objectContaining({ given: 1 })]);
});

test('a policy that was stored, which keeps no order of names, is the same plan', () => {
  const hashOf = (undoes: RolloutPolicy['undoes']): string | undefined =>
    planRollout({ policy: { ...policy, undoes }, parent: null, nowMs: 0, inventory: inventory(facts) }).approvals?.hash;
  expect(hashOf({ after: parseSeq(3), rollout: 'r' })).toBe(hashOf({ rollout: 'r', after: parseSeq(3) }));
});

test('nor does one that keeps no order inside of its rules: gates and probes', () => {
  const backwards = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(backwards);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, each]) => [name, backwards(each)]),
    );
  };
  const gates = [parseGate('errors=rate(errors[5m]) <= 0.01')];
  const probing = {
    ...policy.probing,
    probes: [parseProbe('tcp=127.0.0.1:22'), parseProbe('http=http://127.0.0.1:8080/')],
  };
  const ruled = { ...policy, gates, probing };
  const stored = backwards(ruled) as RolloutPolicy;
  const hashOf = (of: RolloutPolicy) =>
    planRollout({ policy: of, parent: null, nowMs: 0, inventory: inventory(facts) }).approvals?.hash;
  expect(hashOf(stored)).toBe(hashOf(ruled));
});

test('who rejects says why and ends it; of named people nobody else counts', () => {
  const reject: RolloutOrder = { kind: 'reject', by: 'person:bob', reason: '' };
  expect(refuseOrder(reject, first, 0)).toMatchObject({ reason: 'reason-needed' });
  expect(after(first, 1, facts, { ...reject, reason: 'not on a Friday' }).status).toBe('aborted');
  const among = { ...first, approvals: { ...first.approvals!, among: ['person:carol'] } };
  expect(refuseOrder(approve(first, 'bob'), among, 0)).toMatchObject({ reason: 'not-an-approver' });
});

test('approvals that could never be given are refused, and it is said who is missing', () => {
  const named = (needed: number, ...among: string[]): string | undefined =>
    refuseApprovals({ ...approvals, needed, among });
  expect(named(2, 'person:bob', 'person:bob')).toBe(
    '2 distinct people are to approve, and there is person:bob: name more, or ask for fewer.',
  );
  expect(named(2, 'person:alice', 'person:bob')).toMatch(/without person:alice, who asks for it, there is person:bob/);
  expect(named(2, 'person:bob', 'person:carol')).toBeUndefined();
  expect(named(0)).toMatch(/1 to 20/);
  expect(refuseRules({ ...policy, approvals: { ...approvals, among: ['person:bob'] } }, 3)).toMatch(
    /2 distinct people/,
  );
});
