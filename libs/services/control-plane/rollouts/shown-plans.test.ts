// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseClusterName, parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import { defaultRules, planRollout, previewRollout } from '@lockstep/domain/rollout-planner';
import { ShownPlans } from './shown-plans';

const cluster = parseClusterName('web');
const kernelBuild = parseKernelBuildId('ab'.repeat(20));

/** Of so many nodes, one that differs from others by its bake time. */
function plan(nodes: number, bakeMs: number) {
  const policy = { kernelBuild, toSeq: parseSeq(1), ...defaultRules, bakeMs };
  const inventory = Array.from({ length: nodes }, (_, index) => {
    const name = parseNodeName(`n${index}`);
    return { node: name, kernelBuild, connected: true, report: null };
  });
  return { cluster, preview: previewRollout(policy, planRollout({ policy, parent: null, nowMs: 0, inventory }), []) };
}

const isKnown = (shown: ShownPlans, hash: string): boolean => shown.find(cluster, hash) !== undefined;

test('plans are remembered for so many nodes in all: the oldest go, the newest stays however large it is', () => {
  const shown = new ShownPlans(25);
  const hashes = [1, 2, 3].map((bakeMs) => shown.remember(plan(10, bakeMs)));
  expect(hashes.map((hash) => isKnown(shown, hash))).toEqual([false, true, true]);
  // Shown again it is the newest, and counted once.
  shown.remember(plan(10, 2));
  const small = shown.remember(plan(5, 4));
  expect([hashes[1]!, hashes[2]!, small].map((hash) => isKnown(shown, hash))).toEqual([true, true, true]);
  const large = shown.remember(plan(40, 5));
  expect([hashes[1]!, small, large].map((hash) => isKnown(shown, hash))).toEqual([false, false, true]);
});

test('what another control plane has shown is the same plan by its hash, and another one is told as unknown', () => {
  const hash = new ShownPlans().remember(plan(3, 1));
  const here = new ShownPlans();
  expect(() => {
    here.expectSame(hash, plan(3, 1));
  }).not.toThrow();
  expect(() => {
    here.expectSame(hash, plan(3, 2));
  }).toThrow(/with the options that it was planned with/);
});
