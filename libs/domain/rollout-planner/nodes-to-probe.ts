// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';

/** Whose probes are run now: of the waves whose turn it is, until each has passed; after a success of who is still to come. */
export function nodesToProbe({ status, nodes, waves, openWave }: RolloutPlan, { probing }: RolloutPolicy): NodeName[] {
  if (probing.probes.length === 0 || status === 'aborted') return [];
  const last = openWave?.wave ?? Infinity;
  return nodes
    .filter(({ wave, notYet }) => {
      if (wave === null) return status === 'succeeded' && notYet !== null;
      return wave <= last && (notYet !== null || waves[wave]?.passedAtMs === null);
    })
    .map(({ node }) => node);
}
