// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { RolloutPlan, RolloutPolicy } from './rollout-plan';
import { hasFailed, isHeldOut, type NodeStanding } from './standing';

export type Waves = ReadonlyMap<NodeName, number>;

/** The likelier a node is to arrive, the earlier it goes: who is there already, the healthy, the failing, the held out. */
function rank({ standing, facts }: NodeStanding): number {
  if (standing === 'there' || standing === 'on-its-way') return 0;
  if (isHeldOut(standing)) return 3;
  return facts.report !== null && hasFailed(facts.report) ? 2 : 1;
}

export const byName = (a: NodeStanding, b: NodeStanding): number => (a.facts.node < b.facts.node ? -1 : 1);

const byRankThenName = (a: NodeStanding, b: NodeStanding): number => rank(a) - rank(b) || byName(a, b);

function firstWaves(nodes: readonly NodeStanding[], { canaries, waveSize }: RolloutPolicy): Map<NodeName, number> {
  const ordered = [...nodes].sort(byRankThenName);
  const size = waveSize === 0 ? Infinity : waveSize;
  const waveAt = (index: number): number => (index < canaries ? 0 : 1 + Math.floor((index - canaries) / size));
  return new Map(ordered.map(({ facts }, index) => [facts.node, waveAt(index)]));
}

/** Keeps the parent's waves; nodes it did not know fill up the last one, never the canaries. */
function laterWaves(
  nodes: readonly NodeStanding[],
  { waveSize }: RolloutPolicy,
  parent: RolloutPlan,
): Map<NodeName, number> {
  const before = new Map(parent.nodes.map(({ node, wave }) => [node, wave]));
  const waves = new Map<NodeName, number>();
  const newcomers: NodeStanding[] = [];
  for (const node of nodes) {
    const wave = before.get(node.facts.node);
    if (wave === undefined) newcomers.push(node);
    else waves.set(node.facts.node, wave);
  }
  let last = 1;
  let inLast = 0;
  for (const wave of waves.values()) {
    if (wave > last) inLast = 0;
    last = Math.max(last, wave);
    if (wave === last) inLast += 1;
  }
  let room = (waveSize === 0 ? Infinity : waveSize) - inLast;
  for (const { facts } of newcomers.sort(byRankThenName)) {
    if (room <= 0) {
      last += 1;
      room = waveSize;
    }
    waves.set(facts.node, last);
    room -= 1;
  }
  return waves;
}

/** While canaries are held out, others take their place: a wave never goes untried. */
function replaceHeldOutCanaries(
  waves: Map<NodeName, number>,
  nodes: readonly NodeStanding[],
  { canaries }: RolloutPolicy,
): Waves {
  const waveOf = ({ facts }: NodeStanding): number => waves.get(facts.node) ?? 0;
  const missing = canaries - nodes.filter((node) => waveOf(node) === 0 && !isHeldOut(node.standing)).length;
  const candidates = nodes
    .filter((node) => node.standing === 'ready' && waveOf(node) > 0)
    .sort((a, b) => waveOf(a) - waveOf(b) || byRankThenName(a, b));
  for (const { facts } of candidates.slice(0, Math.max(0, missing))) waves.set(facts.node, 0);
  return waves;
}

/** The wave of each node: 0 for the canaries. Stable from plan to plan, but for canaries that must be replaced. */
export function assignWaves(nodes: readonly NodeStanding[], policy: RolloutPolicy, parent: RolloutPlan | null): Waves {
  const waves = parent === null ? firstWaves(nodes, policy) : laterWaves(nodes, policy, parent);
  return replaceHeldOutCanaries(waves, nodes, policy);
}
