// SPDX-License-Identifier: GPL-2.0-only
import type { GateMeasure } from '@lockstep/domain/probes';
import type { Schedule } from '@lockstep/domain/schedule';
import type { PlanCaveat } from './plan-caveats';
import type { PlannedLoad } from './planned-load';
import type { RetiredLoad } from './retired-loads';
import type { RolloutOrder } from './rollout-order';
import type { NodeFacts, RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';

/** All that a plan is made of. */
export interface PlanRequest {
  readonly policy: RolloutPolicy;
  /** The plan in force; null for a new rollout. */
  readonly parent: RolloutPlan | null;
  /** Time of day, in ms: it never steps. */
  readonly nowMs: number;
  /** What the clock on the wall shows, by which windows open and freezes end; absent: `nowMs`. */
  readonly clockMs?: number | undefined;
  /** Every node of the cluster. */
  readonly inventory: readonly NodeFacts[];
  /** When loads may begin; absent: at any time. */
  readonly schedule?: Schedule | undefined;
  /** What an operator says now; it is stored with the plan that it leads to. */
  readonly order?: RolloutOrder | undefined;
  /** A hash, by which approvals name what they were given to; absent: the text itself. */
  readonly digest?: ((text: string) => string) | undefined;
  /** What the policy's gates came to last, by those who ask them. */
  readonly measures?: readonly GateMeasure[] | undefined;
  /** Since when they ask without a break, in ms; absent: nobody does, so no gate is late. */
  readonly gatesAskedSinceMs?: number | undefined;
  /** Load entries up to the position; absent where no node tells of obstacles. */
  readonly loads?: readonly PlannedLoad[] | undefined;
  /** Of the position's stack, what was retired since. */
  readonly retired?: readonly RetiredLoad[] | undefined;
  /** Of a new rollout; one that goes on keeps its parent's. */
  readonly caveats?: readonly PlanCaveat[];
}
