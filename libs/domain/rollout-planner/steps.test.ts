// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import { noLabels } from '@lockstep/domain/labels';
import { planningRollout } from './plan-rollout';
import type { NodeFacts } from './rollout-plan';
import { defaultRules } from './rollout-policy';
import { mapInSteps } from './steps';

test('of many a thousand are mapped in a step, all of them in their order', () => {
  let inThisStep = 0;
  const steps = mapInSteps(
    Array.from({ length: 2_500 }, (_, index) => index),
    (index) => {
      inThisStep += 1;
      return index * 2;
    },
  );
  const counts: number[] = [];
  for (;;) {
    inThisStep = 0;
    const step = steps.next();
    counts.push(inThisStep);
    if (step.done !== true) continue;
    expect(step.value).toEqual(Array.from({ length: 2_500 }, (_, index) => index * 2));
    break;
  }
  expect(counts).toEqual([1_000, 1_000, 500]);
});

test('a plan of ten thousand nodes judges no more than a thousand in one step', () => {
  const kernelBuild = parseKernelBuildId('ab'.repeat(20));
  const policy = { kernelBuild, toSeq: parseSeq(2), ...defaultRules };
  let judged = 0;
  const report = { status: 'in-step', position: parseSeq(1), target: parseSeq(1), problem: null } as const;
  const inventory = Array.from({ length: 10_000 }, (_, index): NodeFacts => ({
    ...{ node: parseNodeName(`n${index}`), kernelBuild, connected: true, report },
    get labels() {
      judged += 1;
      return noLabels;
    },
  }));
  const steps = planningRollout({ policy, parent: null, nowMs: 0, inventory });
  const counts: number[] = [];
  for (;;) {
    judged = 0;
    const step = steps.next();
    counts.push(judged);
    if (step.done !== true) continue;
    expect(step.value.nodes).toHaveLength(10_000);
    break;
  }
  expect(Math.max(...counts)).toBeLessThanOrEqual(1_000);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(10_000);
});
