// SPDX-License-Identifier: GPL-2.0-only
export { doubtReport, type ReportBounds, type ReportClaims } from './doubt-report';
export { explainNotYet, isAwaited } from './explain-not-yet';
export { nodeObstacles } from './node-obstacles';
export { plannedLoads, type PlannedLoad } from './planned-load';
export { planCaveats, type PlanCaveat } from './plan-caveats';
export { planRollout } from './plan-rollout';
export { explainRolloutRefusal, refuseRollout, type RolloutContext, type RolloutRefusal } from './refuse-rollout';
export type {
  Move,
  NodeFacts,
  NodeFactsReport,
  NodePlan,
  NotYet,
  OpenWave,
  PlanRequest,
  PlanStatus,
  RolloutPlan,
  RolloutPolicy,
} from './rollout-plan';
