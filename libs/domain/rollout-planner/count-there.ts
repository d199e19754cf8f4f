// SPDX-License-Identifier: GPL-2.0-only
import type { RolloutPlan } from './rollout-plan';

/** How many nodes of a plan are at its position. */
export const countThere = ({ nodes }: RolloutPlan): number => nodes.filter(({ notYet }) => notYet === null).length;
