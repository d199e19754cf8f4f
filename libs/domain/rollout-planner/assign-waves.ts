// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import { canaryChoice } from './canary-choice';
import type { NodePlan, RolloutPlan } from './rollout-plan';
import { waveSizes, type RolloutPolicy } from './rollout-policy';
import { hasFailed, isHeldOut, type NodeStanding } from './standing';

/** Null of a node that came after the waves were planned. */
export type Waves = Map<NodeName, number | null>;

/** Those of the parent plan. */
export type NodesBefore = ReadonlyMap<NodeName, NodePlan>;

/**
 * The likelier a node is to arrive, the earlier it goes: who is there already, the healthy, the failing, the held out. Of a
 * rollout that undoes another, who holds something of it goes before who does not, however it is.
 */
function rank(node: NodeStanding, { undoes }: RolloutPolicy): number {
  const { standing, facts } = node;
  if (standing === 'there' || standing === 'probing' || standing === 'on-its-way') return 0;
  if (isHeldOut(node)) return 3;
  if (undoes !== undefined) return (facts.report?.position ?? 0) > undoes.after ? 1 : 2;
  return facts.report !== null && hasFailed(facts.report) ? 2 : 1;
}

export const byName = (a: NodeStanding, b: NodeStanding): number => (a.facts.node < b.facts.node ? -1 : 1);

/** Each rank is found once: thousands of nodes are compared a dozen times each. */
const byRankThenName = (nodes: readonly NodeStanding[], policy: RolloutPolicy): NodeStanding[] =>
  nodes
    .map((node) => ({ node, rank: rank(node, policy) }))
    .sort((a, b) => a.rank - b.rank || byName(a.node, b.node))
    .map(({ node }) => node);

function firstWaves(nodes: readonly NodeStanding[], policy: RolloutPolicy): Waves {
  const isFit = canaryChoice(policy);
  const ranked = byRankThenName(nodes, policy);
  const canaries = new Set(ranked.filter(({ facts }) => isFit(facts)).slice(0, policy.canaries));
  const ordered = [...canaries, ...ranked.filter((node) => !canaries.has(node))];
  const waves: Waves = new Map();
  let from = 0;
  for (const [wave, size] of waveSizes(policy, nodes.length).entries()) {
    for (const { facts } of ordered.slice(from, from + size)) waves.set(facts.node, wave);
    from += size;
  }
  return waves;
}

/** Membership is fixed when it is planned: who comes later is in no wave. */
function laterWaves(nodes: readonly NodeStanding[], before: NodesBefore): Waves {
  const waves: Waves = new Map();
  for (const { facts } of nodes) waves.set(facts.node, before.get(facts.node)?.wave ?? null);
  return waves;
}

/** While canaries are held out, others take their place: a wave never goes untried. */
function replaceHeldOutCanaries(waves: Waves, nodes: readonly NodeStanding[], policy: RolloutPolicy): Waves {
  const waveOf = ({ facts }: NodeStanding): number => waves.get(facts.node) ?? 0;
  const planned = nodes.filter(({ facts }) => waves.get(facts.node) !== null);
  const missing = policy.canaries - planned.filter((node) => waveOf(node) === 0 && !isHeldOut(node)).length;
  if (missing <= 0) return waves;
  const isFit = canaryChoice(policy);
  const fit = planned.filter((node) => node.standing === 'ready' && waveOf(node) > 0 && isFit(node.facts));
  // Of the same wave they stay as they are ranked.
  const candidates = byRankThenName(fit, policy).sort((a, b) => waveOf(a) - waveOf(b));
  for (const { facts } of candidates.slice(0, missing)) waves.set(facts.node, 0);
  return waves;
}

/** The wave of each node: 0 for the canaries. Stable from plan to plan, but for canaries that must be replaced. */
export function assignWaves(
  nodes: readonly NodeStanding[],
  policy: RolloutPolicy,
  parent: RolloutPlan | null,
  before: NodesBefore,
): Waves {
  const waves = parent === null ? firstWaves(nodes, policy) : laterWaves(nodes, before);
  return parent?.waves[0]?.passedAtMs == null ? replaceHeldOutCanaries(waves, nodes, policy) : waves;
}
