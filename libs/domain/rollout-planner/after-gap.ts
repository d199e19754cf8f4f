// SPDX-License-Identifier: GPL-2.0-only
import type { NodePlan, RolloutPlan } from './rollout-plan';

/** What counts the time that a node has been there and well, or that it is waited for. */
const isCounted = ({ notYet, wave }: NodePlan, { waves }: RolloutPlan): boolean =>
  notYet === null
    ? wave !== null && waves[wave]?.passedAtMs === null
    : notYet.reason === 'probing' || notYet.reason === 'waiting-for-baseline';

/**
 * The plan that goes on where nobody looked for a while, or by another clock: what was counted up to the last look is kept, and
 * the time in between proves no wave and makes nobody late. Since when a node is away, and an emergency's time, stay as they are.
 * @param gapMs less than 0 where the clock shows an earlier time than at the last look
 * @returns undefined where nothing is counted
 */
export function afterGap(plan: RolloutPlan, gapMs: number): RolloutPlan | undefined {
  const isTouched = (node: NodePlan): boolean => node.triesSinceMs !== undefined || isCounted(node, plan);
  if (!plan.nodes.some(isTouched)) return undefined;
  const nodes = plan.nodes.map((node): NodePlan => {
    if (!isTouched(node)) return node;
    const { sinceMs, triesSinceMs } = node;
    return {
      ...node,
      ...(isCounted(node, plan) ? { sinceMs: sinceMs + gapMs } : {}),
      ...(triesSinceMs === undefined ? {} : { triesSinceMs: triesSinceMs + gapMs }),
    };
  });
  const waves = plan.waves.map((wave) =>
    wave.passedAtMs !== null || wave.bakesSinceMs === null
      ? wave
      : { ...wave, bakesSinceMs: wave.bakesSinceMs + gapMs },
  );
  return { ...plan, generation: plan.generation + 1, parent: plan.generation, waves, nodes };
}
