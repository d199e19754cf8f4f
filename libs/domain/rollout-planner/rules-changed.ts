// SPDX-License-Identifier: GPL-2.0-only
import { showGate, showProbe } from '@lockstep/domain/probes';
import type { RolloutRules } from './rollout-policy';
import { explainShare } from './share';

const seconds = (ms: number): string => `${ms / 1_000} s`;

/** What each rule is, in words: a rule that is new is one more thing that somebody has to read before they approve. */
const words: { readonly [Rule in keyof RolloutRules]: (rules: RolloutRules) => string } = {
  canaries: ({ canaries }) => `canaries: ${canaries}`,
  waves: ({ waves }) => `waves: ${waves.map(explainShare).join(', ')}`,
  allowedFailures: ({ allowedFailures }) => `allowed failures: ${explainShare(allowedFailures)}`,
  atOnce: ({ atOnce }) => `at once: ${atOnce === null ? 'all of a wave' : explainShare(atOnce)}`,
  haltsOnCrash: ({ haltsOnCrash }) =>
    `a host that does not survive ${haltsOnCrash ? 'halts it' : 'counts as one failure'}`,
  deadlineMs: ({ deadlineMs }) => `waits for a node for ${seconds(deadlineMs)}`,
  bakeMs: ({ bakeMs }) => `bake time: ${seconds(bakeMs)}`,
  approvals: ({ approvals }) =>
    `approvals: ${approvals === null ? 'none' : `${approvals.needed}${approvals.among.length === 0 ? '' : ` of ${approvals.among.join(', ')}`}`}`,
  probing: ({ probing: { probes, everyMs, timeoutMs, allowedErrors } }) =>
    probes.length === 0
      ? 'probes: none'
      : `probes: ${probes.map(showProbe).join('; ')}, each ${seconds(everyMs)}, given ${seconds(timeoutMs)}, ${explainShare(allowedErrors)} may be impossible to measure`,
  gates: ({ gates }) => `gates: ${gates.length === 0 ? 'none' : gates.map(showGate).join('; ')}`,
};

/** By which other rules the second goes than the first, in words; none if they are the same. */
export const rulesChanged = (before: RolloutRules, now: RolloutRules): string[] =>
  Object.values(words)
    .map((say) => [say(before), say(now)] as const)
    .filter(([was, is]) => was !== is)
    .map(([was, is]) => `${is} (before: ${was})`);
