// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import { parseLabels } from '@lockstep/domain/labels';
import { defaultRules, type NodeFacts, type RolloutPlan } from '@lockstep/domain/rollout-planner';
import { planWithoutFaults } from './plan-without-faults';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const toSeq = parseSeq(2);
const policy = { kernelBuild, toSeq, ...defaultRules, waves: [{ percent: 100 }] };

function node(name: string, position: number, target: number, status: 'in-step' | 'moving' = 'in-step'): NodeFacts {
  const report = { status, position: parseSeq(position), target: parseSeq(target), problem: null };
  return { node: parseNodeName(name), kernelBuild, connected: true, report };
}

const show = (plan: RolloutPlan): string[] =>
  plan.nodes.map((each) => `${each.node} ${each.notYet?.reason ?? 'there'}`);

test('a node whose facts are impossible is held out, by name, and the others go on', () => {
  // Beyond the head and yet on its way to the first entry: to send it anywhere would lower its position.
  const liar = node('n2', 9, 1, 'moving');
  const first = planWithoutFaults(
    { policy, parent: null, nowMs: 0, inventory: [node('n1', 2, 2), liar, node('n3', 1, 1)] },
    toSeq,
  );
  expect(show(first.plan)).toEqual(['n1 there', 'n2 implausible', 'n3 moving']);
  expect(first.plan.moves.map((move) => move.node)).toEqual(['n3']);
  expect(first.faults).toMatchObject([{ node: 'n2', rule: 'lowers-target' }]);

  // The same facts again make no other plan.
  const inventory = [node('n1', 2, 2), liar, node('n3', 1, 1)];
  expect(planWithoutFaults({ policy, parent: first.plan, nowMs: 0, inventory }, toSeq).plan).toBe(first.plan);

  const honest = [node('n1', 2, 2), node('n2', 1, 1), node('n3', 2, 2)];
  const next = planWithoutFaults({ policy, parent: first.plan, nowMs: 0, inventory: honest }, toSeq);
  expect([show(next.plan), next.faults]).toEqual([['n1 there', 'n3 there', 'n2 moving'].sort(), []]);
});

test('a canary that has lost its label since stays one: nothing is wrong with the plan', () => {
  const canary = (name: string, role: string): NodeFacts => ({
    ...node(name, 1, 1),
    labels: parseLabels(`role=${role}`),
  });
  const byLabel = { ...policy, canarySelector: 'role=canary', waves: [{ nodes: 1 }, { percent: 100 }] };
  const asked = { policy: byLabel, nowMs: 0 };
  const first = planWithoutFaults(
    { ...asked, parent: null, inventory: [canary('n1', 'canary'), canary('n2', 'web')] },
    toSeq,
  );
  expect(first.plan.moves.map((move) => move.node)).toEqual(['n1']);
  const inventory = [canary('n1', 'web'), canary('n2', 'web'), canary('n3', 'web')];
  const next = planWithoutFaults({ ...asked, parent: first.plan, inventory }, toSeq);
  expect([next.faults, next.plan.nodes.find(({ wave }) => wave === 0)?.node]).toEqual([[], 'n1']);
});

test('a fault of the whole plan is nobody’s but ours', () => {
  expect(() =>
    planWithoutFaults({ policy, parent: null, nowMs: 0, inventory: [node('n1', 0, 0)] }, parseSeq(1)),
  ).toThrow(/breaks its own rules/);
});
