// SPDX-License-Identifier: GPL-2.0-only
import { defaultRules, type RolloutRules } from './rollout-policy';
import { sizeOf } from './share';

/** Of all nodes, how many have it with each wave: 5, 25, 50, 90 and 100 %. */
const firstShare = { percent: 5 };
const laterShares = [20, 25, 40, 100].map((percent) => ({ percent }));

/**
 * Five waves, each opened as soon as the one before is there: nobody is waited for longer than half an hour, so the last one
 * ends in time, or the rollout has halted. No approvals, no bake time; whatever keeps hosts from harm stays.
 * @param nodes that it would be for
 */
export const emergencyRules = (
  nodes: number,
  asked: Pick<RolloutRules, 'allowedFailures' | 'atOnce' | 'spread' | 'probing'>,
): RolloutRules => ({
  ...defaultRules,
  ...asked,
  canaries: sizeOf(firstShare, nodes),
  waves: laterShares,
  deadlineMs: 30 * 60_000,
});
