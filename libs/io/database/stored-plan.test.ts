// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import { defaultRules, planRollout } from '@lockstep/domain/rollout-planner';
import { planFromStored } from './stored-plan';

const plannedAt = new Date(5_000);
const report = { status: 'in-step', position: parseSeq(1), target: parseSeq(1), problem: null } as const;
const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const plan = planRollout({
  policy: { kernelBuild, toSeq: parseSeq(2), ...defaultRules },
  ...{ parent: null, nowMs: 1_000 },
  inventory: ['n1', 'n2', 'n3'].map((name) => ({ node: parseNodeName(name), kernelBuild, connected: true, report })),
});

test('a plan of today is read as it was stored', () => {
  expect(planFromStored(JSON.parse(JSON.stringify(plan)), plannedAt)).toEqual(plan);
});

test('what an earlier version kept of a node says what is known of it, in today’s words', () => {
  const old = {
    ...plan,
    nodes: [
      { node: 'n1', wave: 0, position: 1, released: true, failedBefore: true, notYet: null },
      {
        ...{ node: 'n2', wave: 1, position: 1, released: false, excused: false, sinceMs: 7 },
        notYet: { reason: 'waiting-for-canary', canaries: ['n1'] },
      },
      {
        ...{ node: 'n3', wave: 2, position: 1, released: false, excused: false, sinceMs: 8 },
        notYet: { reason: 'waiting-for-wave', wave: 1, nodes: ['n2'] },
      },
    ],
  };
  expect(planFromStored(old, plannedAt).nodes).toEqual([
    { node: 'n1', wave: 0, position: 1, released: true, excused: true, notYet: null, sinceMs: 5_000 },
    {
      ...{ node: 'n2', wave: 1, position: 1, released: false, excused: false, sinceMs: 7 },
      notYet: { reason: 'waiting-for-canary' },
    },
    {
      ...{ node: 'n3', wave: 2, position: 1, released: false, excused: false, sinceMs: 8 },
      notYet: { reason: 'waiting-for-wave', wave: 1 },
    },
  ]);
});
