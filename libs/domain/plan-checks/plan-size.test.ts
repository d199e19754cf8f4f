// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import { defaultRules, planRollout, type NodeFacts, type RolloutPlan } from '@lockstep/domain/rollout-planner';
import { checkPlan } from './check-plan';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const [before, toSeq] = [parseSeq(1), parseSeq(2)];

/** Of `size` nodes the first `there` have arrived. */
const fleet = (size: number, there: number): NodeFacts[] =>
  Array.from({ length: size }, (_, index) => {
    const position = index < there ? toSeq : before;
    const node = parseNodeName(`n${String(index).padStart(6, '0')}`);
    return {
      node,
      kernelBuild,
      connected: true,
      report: { status: 'in-step', position, target: position, problem: null },
    };
  });

/** A rollout in waves of a tenth: its plans when the canary is there, and when half of them are. */
function plansOf(size: number): RolloutPlan[] {
  const policy = { kernelBuild, toSeq, ...defaultRules, waves: [{ nodes: size / 10 }] };
  const plans: RolloutPlan[] = [];
  for (const there of [0, 1, size / 2 + 1]) {
    const context = { policy, parent: plans.at(-1) ?? null, inventory: fleet(size, there), nowMs: 0 };
    const plan = planRollout(context);
    expect(checkPlan(plan, { ...context, head: toSeq })).toEqual([]);
    plans.push(plan);
  }
  return plans;
}

const searches = ['includes', 'indexOf', 'find', 'findIndex', 'filter', 'some', 'every', 'map', 'flatMap'] as const;

/** How many elements of arrays are looked at, at most: each search is counted with the length of what it searches. */
function countLooks(work: () => unknown): number {
  let looks = 0;
  const originals = searches.map((name) => [name, Object.getOwnPropertyDescriptor(Array.prototype, name)!] as const);
  for (const [name, original] of originals) {
    const search = original.value as (...given: unknown[]) => unknown;
    Object.defineProperty(Array.prototype, name, {
      ...original,
      value(this: unknown[], ...given: unknown[]) {
        looks += this.length;
        return Reflect.apply(search, this, given);
      },
    });
  }
  try {
    work();
  } finally {
    for (const [name, original] of originals) Object.defineProperty(Array.prototype, name, original);
  }
  return looks;
}

test('a plan of ten times the nodes has ten times the bytes, in waves that grow with them', () => {
  const bytes = [1_000, 10_000].map((size) => plansOf(size).map((plan) => JSON.stringify(plan).length));
  const [small, large] = bytes as [number[], number[]];
  for (const [index, size] of large.entries()) expect(size / small[index]!).toBeLessThan(11);
  expect(large[0]! / 10_000).toBeLessThan(200);
});

test('planning and checking look at ten times as many things for ten times the nodes', () => {
  const [small, large] = [200, 2_000].map((size) => countLooks(() => plansOf(size))) as [number, number];
  expect(large / small).toBeLessThan(11);
});
