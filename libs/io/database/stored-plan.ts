// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { NodePlan, NotYet, OpenWave, RolloutPlan } from '@lockstep/domain/rollout-planner';

/** Of an earlier version: each node that waits names those that it waits for. */
type OldNotYet = NotYet & { readonly canaries?: readonly NodeName[]; readonly nodes?: readonly NodeName[] };

type StoredNode = Omit<NodePlan, 'sinceMs' | 'notYet'> & {
  readonly sinceMs?: number;
  readonly notYet: OldNotYet | null;
};

type StoredPlan = Omit<RolloutPlan, 'nodes' | 'openWave' | 'caveats'> &
  Partial<Pick<RolloutPlan, 'openWave' | 'caveats'>> & { readonly nodes?: readonly StoredNode[] };

const firstNamed = 10;

function openWaveOf(nodes: readonly StoredNode[]): OpenWave | null {
  for (const { notYet } of nodes) {
    const waited = notYet?.canaries ?? notYet?.nodes;
    if (waited === undefined) continue;
    const wave = notYet?.reason === 'waiting-for-wave' ? notYet.wave : 0;
    return { wave, open: waited.length, nodes: waited.slice(0, firstNamed) };
  }
  return null;
}

function notYetFrom(stored: OldNotYet | null): NotYet | null {
  if (stored?.reason === 'waiting-for-canary' || stored?.reason === 'rollout-halted') return { reason: stored.reason };
  return stored?.reason === 'waiting-for-wave' ? { reason: stored.reason, wave: stored.wave } : stored;
}

/** A plan as it was stored, by this version or an earlier one, which said less: since it was made, as far as is known. */
export function planFromStored(json: unknown, plannedAt: Date): RolloutPlan {
  const stored = json as StoredPlan;
  const nodes = stored.nodes ?? [];
  return {
    ...stored,
    openWave: stored.openWave ?? openWaveOf(nodes),
    caveats: stored.caveats ?? [],
    nodes: nodes.map((node) => {
      const { sinceMs = plannedAt.getTime(), notYet, ...rest } = node;
      return { ...rest, notYet: notYetFrom(notYet), sinceMs };
    }),
  };
}
