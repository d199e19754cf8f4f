// SPDX-License-Identifier: GPL-2.0-only
import { mostNamed } from './explain-not-yet';
import type { Inconclusive } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { allowedOf, exceeds } from './share';
import type { WaveState } from './wave-state';

/** Why it has to pause by itself now, if it has to. */
export function inconclusiveOf(states: readonly WaveState[], { probing }: RolloutPolicy): Inconclusive | null {
  for (const { wave, planned, unmeasured, passedAtMs } of states) {
    if (passedAtMs !== null || !exceeds(unmeasured.length, probing.allowedErrors, planned)) continue;
    const nodes = unmeasured.slice(0, mostNamed).map(({ facts }) => facts.node);
    const allowed = allowedOf(probing.allowedErrors, planned);
    return { kind: 'nodes', wave, count: unmeasured.length, allowed, nodes };
  }
  return null;
}
