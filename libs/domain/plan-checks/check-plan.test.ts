// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import {
  defaultRules,
  planRollout,
  type NodeFacts,
  type NodePlan,
  type RolloutPlan,
  type RolloutPolicy,
} from '@lockstep/domain/rollout-planner';
import { checkPlan, type PlanContext, type PlanRule } from './check-plan';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const seq = parseSeq;
const name = parseNodeName;
const policy: RolloutPolicy = { kernelBuild, toSeq: seq(2), ...defaultRules, waves: [{ nodes: 1 }] };

const at = (node: string, position: number, over: Partial<NodeFacts> = {}): NodeFacts => ({
  node: name(node),
  kernelBuild,
  connected: true,
  report: { status: 'in-step', position: seq(position), target: seq(position), problem: null },
  ...over,
});

const fleet = [at('n1', 1), at('n2', 1), at('n3', 1)];
const first = planRollout({ policy, parent: null, nowMs: 0, inventory: fleet });

const edited = (plan: RolloutPlan, node: string, over: Partial<NodePlan>): RolloutPlan => ({
  ...plan,
  nodes: plan.nodes.map((planned) => (planned.node === node ? { ...planned, ...over } : planned)),
});

const released: Partial<NodePlan> = { released: true, notYet: { reason: 'moving', position: seq(1) } };

interface Case {
  readonly title: string;
  readonly plan: RolloutPlan;
  readonly context?: Partial<PlanContext>;
  readonly breaks: readonly PlanRule[];
}

const arrived = [at('n1', 2), at('n2', 1), at('n3', 1)];
const second = planRollout({ policy, parent: first, nowMs: 0, inventory: arrived });

const cases: readonly Case[] = [
  { title: 'the planner’s own first plan', plan: first, breaks: [] },
  { title: 'its second', plan: second, context: { parent: first, inventory: arrived }, breaks: [] },
  { title: 'a generation that is not the next', plan: { ...first, generation: 3 }, breaks: ['lineage'] },
  {
    title: 'a parent that is not the one in force',
    plan: second,
    context: { inventory: arrived },
    breaks: ['lineage'],
  },
  {
    title: 'two targets',
    plan: { ...first, moves: [{ node: name('n1'), toSeq: seq(3) }] },
    context: { head: seq(3) },
    breaks: ['one-target'],
  },
  { title: 'a position past the head', plan: first, context: { head: seq(1) }, breaks: ['beyond-head'] },
  {
    title: 'a target below the node’s own',
    plan: first,
    context: {
      inventory: [
        at('n1', 1, { report: { status: 'moving', position: seq(1), target: seq(3), problem: null } }),
        ...fleet.slice(1),
      ],
    },
    breaks: ['lowers-target'],
  },
  { title: 'a node left out', plan: { ...first, nodes: first.nodes.slice(0, 2) }, breaks: ['membership'] },
  {
    title: 'a node twice',
    plan: { ...first, nodes: [...first.nodes, ...first.nodes.slice(2)] },
    breaks: ['membership'],
  },
  {
    title: 'a node of another kernel build',
    plan: first,
    context: { inventory: [...fleet.slice(0, 2), at('n3', 1, { kernelBuild: null })] },
    breaks: ['membership'],
  },
  {
    title: 'a node sent before its release',
    plan: { ...first, moves: [...first.moves, { node: name('n2'), toSeq: seq(2) }] },
    breaks: ['unfit-move'],
  },
  {
    title: 'a diverged node sent',
    plan: first,
    context: {
      inventory: [
        at('n1', 1, { report: { status: 'diverged', position: seq(1), target: seq(1), problem: 'x' } }),
        ...fleet.slice(1),
      ],
    },
    breaks: ['unfit-move'],
  },
  { title: 'everyone at once', plan: edited(first, 'n2', released), breaks: ['canaries-first', 'waves-in-order'] },
  {
    title: 'a wave before the one below it',
    plan: edited(second, 'n3', released),
    context: { parent: first, inventory: arrived },
    breaks: ['waves-in-order'],
  },
  {
    title: 'a success too early',
    plan: { ...first, status: 'succeeded' },
    breaks: ['unexplained', 'unexplained', 'unexplained'],
  },
  { title: 'no reason', plan: edited(first, 'n3', { notYet: null }), breaks: ['unexplained'] },
  { title: 'moves after a halt', plan: { ...first, status: 'halted' }, breaks: ['status', 'status'] },
  {
    title: 'a halted rollout running again',
    plan: second,
    context: { parent: { ...first, status: 'halted' }, inventory: arrived },
    breaks: ['status'],
  },
  {
    title: 'a release taken back',
    plan: edited(second, 'n1', { released: false }),
    context: { parent: first, inventory: arrived },
    breaks: ['takes-back-release'],
  },
];

describe('checkPlan', () => {
  it.each(cases)('$title: $breaks', ({ plan, context, breaks }) => {
    const faults = checkPlan(plan, { policy, parent: null, nowMs: 0, inventory: fleet, head: seq(2), ...context });
    expect(faults.map(({ rule }) => rule)).toEqual(breaks);
  });
});
