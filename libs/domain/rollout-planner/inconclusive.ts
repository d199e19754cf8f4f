// SPDX-License-Identifier: GPL-2.0-only
import { mostNamed } from './explain-not-yet';
import type { Inconclusive } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { allowedOf, exceeds } from './share';
import type { Domains } from './domains';
import type { Placed, WaveState } from './wave-state';

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

const namesOf = (nodes: readonly Placed[]): Placed['facts']['node'][] =>
  nodes.slice(0, mostNamed).map(({ facts }) => facts.node);

/**
 * Nobody is under way, and whoever could start is of a failure domain that unwell nodes fill together with some of whom nobody
 * knows how they are: only a person can say whether it goes on without these.
 * @param openWave waves after it wait for it
 */
export function inconclusiveDomain(
  states: readonly WaveState[],
  placed: readonly Placed[],
  domains: Domains,
  openWave: number,
): Inconclusive | null {
  const turn = states.filter(({ wave }) => wave <= openWave);
  const ready = turn.flatMap((state) => state.ready);
  const isFilled = ready.every((node) => !node.released && domains.isStuck(node));
  const [first] = ready.filter((node) => !domains.isUsedUp(node));
  if (first === undefined || !isFilled || turn.some(({ onTheWay }) => onTheWay.length > 0)) return null;
  // Whose window is closed waits for that first.
  if (ready.every(({ gate }) => gate.kind !== 'open')) return null;
  const { name: domain } = domains.of(first);
  const held = ready.filter((node) => domains.of(node).name === domain);
  return {
    ...{ kind: 'domain', wave: first.wave ?? 0, domain },
    ...{ nodes: namesOf(domains.unknownBeside(first, placed)), ready: namesOf(held) },
  };
}
