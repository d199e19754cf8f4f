// SPDX-License-Identifier: GPL-2.0-only
import type { GateMeasure } from '@lockstep/domain/probes';
import type { NodeFacts, RetiredLoad, RolloutOrder, RolloutPlan } from '@lockstep/domain/rollout-planner';

/** One plan with what it was made from. */
export interface PlanStep {
  readonly plan: RolloutPlan;
  readonly facts: readonly NodeFacts[];
  readonly order: RolloutOrder | undefined;
  readonly nowMs: number;
  /** Of what is rolled out. */
  readonly retired: readonly RetiredLoad[];
  readonly measures: readonly GateMeasure[];
  readonly gatesAskedSinceMs: number | undefined;
}
