// SPDX-License-Identifier: GPL-2.0-only
import type { StartRolloutRequest } from '@lockstep/contracts/generated';
import { effectiveLabels, matchesSelector, parseSelector } from '@lockstep/domain/labels';
import type { LogName } from '@lockstep/domain/load-order';
import { defaultRules, type RolloutRules } from '@lockstep/domain/rollout-planner';
import type { Uses } from '../services';

/** Who goes first. @param usual where the request does not say. @throws LockstepError `invalid-input` for the selector. */
export function askedCanaries(
  { nodes }: Uses<'nodes'>,
  { cluster, kernelBuild }: LogName,
  {
    canaries,
    rules,
  }: Pick<StartRolloutRequest, 'canaries'> & { readonly rules?: { readonly canarySelector: string } | undefined },
  usual: Pick<RolloutRules, 'canaries' | 'canarySelector'>,
): Pick<RolloutRules, 'canaries' | 'canarySelector'> {
  const canarySelector = rules?.canarySelector ?? '';
  // These two alone: the usual of everything else must not come back over what was asked.
  if (canarySelector === '') {
    return { canaries: canaries === 0 ? usual.canaries : canaries, canarySelector: usual.canarySelector };
  }
  const selector = parseSelector(canarySelector);
  const chosen = nodes
    .list(cluster)
    .filter((node) => node.kernelBuild === kernelBuild && matchesSelector(selector, effectiveLabels(node.labels)));
  // Where nobody is chosen, the planner says so.
  return { canarySelector, canaries: canaries === 0 ? Math.max(1, chosen.length) : canaries };
}

/** What a campaign keeps: of each member all that labels choose (0), or as many as are asked for. @throws as `askedCanaries` */
export function canariesOfEach({
  canaries,
  rules,
}: Pick<StartRolloutRequest, 'canaries' | 'rules'>): Pick<RolloutRules, 'canaries' | 'canarySelector'> {
  const canarySelector = rules?.canarySelector ?? '';
  if (canarySelector === '') {
    return { canaries: canaries === 0 ? defaultRules.canaries : canaries, canarySelector: undefined };
  }
  parseSelector(canarySelector);
  return { canaries, canarySelector };
}

/** The rules of a campaign as they are for one of its members. */
export const rulesOfMember = (
  services: Uses<'nodes'>,
  log: LogName,
  { canaries, canarySelector = '', ...rules }: RolloutRules,
): RolloutRules => ({
  ...rules,
  ...askedCanaries(services, log, { canaries, rules: { canarySelector } }, defaultRules),
});
