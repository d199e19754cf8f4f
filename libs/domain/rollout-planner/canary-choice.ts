// SPDX-License-Identifier: GPL-2.0-only
import { matchesSelector, noLabels, parseSelector } from '@lockstep/domain/labels';
import { counted } from '@lockstep/domain/visible-text';
import type { NodeFacts } from './rollout-plan';
import type { RolloutRules } from './rollout-policy';

/** Who may be a canary: anybody, unless a selector chooses them. @throws LockstepError for one that is none. */
export function canaryChoice({ canarySelector }: RolloutRules): (facts: NodeFacts) => boolean {
  if (canarySelector === undefined) return () => true;
  const selector = parseSelector(canarySelector);
  return ({ labels = noLabels }) => matchesSelector(selector, labels);
}

/** Why there are no such canaries; undefined if there are. @param members all nodes that it would be for */
export function refuseCanaries(rules: RolloutRules, members: readonly NodeFacts[]): string | undefined {
  const { canaries, canarySelector } = rules;
  if (canarySelector === undefined || members.length === 0) return undefined;
  const chosen = members.filter(canaryChoice(rules)).length;
  if (chosen === 0) {
    return `No node matches "${canarySelector}", so there would be no canary: \`lockstep node ls -l ${canarySelector}\`.`;
  }
  return canaries <= chosen
    ? undefined
    : `${counted(chosen, 'node')} with "${canarySelector}", and ${canaries} canaries are asked for: ask for at most ${chosen}.`;
}
