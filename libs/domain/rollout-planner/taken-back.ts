// SPDX-License-Identifier: GPL-2.0-only
import type { RetiredLoad } from './retired-loads';
import { isForGood, type RolloutPlan } from './rollout-plan';

/** Of these, what other rollouts of the load order are taking from its nodes, or would be if they went on. */
export const takenBack = (
  retired: readonly RetiredLoad[],
  others: readonly Pick<RolloutPlan, 'toSeq' | 'status'>[],
): RetiredLoad[] => retired.filter(({ by }) => others.some(({ toSeq, status }) => toSeq >= by && !isForGood(status)));
