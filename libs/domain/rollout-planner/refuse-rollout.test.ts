// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import { explainRolloutRefusal, refuseRollout, type RolloutContext } from './refuse-rollout';
import type { NodeFacts } from './rollout-plan';
import { defaultRules, type RolloutPolicy } from './rollout-policy';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const sentTo3: NodeFacts = {
  node: parseNodeName('n1'),
  kernelBuild,
  connected: false,
  report: { status: 'moving', position: parseSeq(1), target: parseSeq(3), problem: null },
};

const aheadOfUs: NodeFacts = { ...sentTo3, report: { ...sentTo3.report!, status: 'ahead' } };

function check(policy: Partial<RolloutPolicy>, context: Partial<RolloutContext>): string | undefined {
  const asked = { kernelBuild, toSeq: parseSeq(4), ...defaultRules, ...policy };
  const refusal = refuseRollout(asked, { head: parseSeq(4), furthest: parseSeq(0), inventory: [sentTo3], ...context });
  return refusal && `${refusal.reason}: ${explainRolloutRefusal(refusal, asked)}`;
}

describe('refuseRollout', () => {
  it.each([
    ['the head', {}, {}, undefined],
    ['where nodes were sent already', { toSeq: 3 }, {}, undefined],
    ['past the head', { toSeq: 5 }, {}, /^beyond-head: .*ends at #4/],
    ['behind a node, even one that is off', { toSeq: 2 }, {}, /^behind-target: .*position 3/],
    ['behind where only a node was sent that is ahead', { toSeq: 2 }, { inventory: [aheadOfUs] }, undefined],
    ['behind an earlier rollout', { toSeq: 3 }, { furthest: parseSeq(4) }, /^behind-target: .*position 4/],
    ['a cluster without nodes', {}, { inventory: [] }, /^no-nodes/],
    ['nodes of another kernel build', { kernelBuild: parseKernelBuildId('cd'.repeat(20)) }, {}, /^no-nodes: .*cdcd/],
    ['position 0', { toSeq: 0 }, {}, /^invalid-policy: .*from 1/],
    ['no canary', { canaries: 0 }, {}, /^invalid-policy: .*canary/],
    ['half a node a wave', { waves: [{ nodes: 0.5 }] }, {}, /^invalid-policy: .*whole number/],
    [
      'more canaries than nodes',
      { canaries: 2 },
      {},
      /^invalid-policy: The cluster has 1 node, and 2 canaries .* at most 1/,
    ],
  ])('to %s', (_title, policy, context, expected) => {
    const said = check(policy as Partial<RolloutPolicy>, context);
    if (expected === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(expected);
  });
});
