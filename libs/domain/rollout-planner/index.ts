// SPDX-License-Identifier: GPL-2.0-only
export { refuseApprovals, type ApprovalRules } from './approval-rules';
export { counts as approvalCounts, countApprovals, type Approval, type Approvals } from './approvals';
export {
  emergencyMs,
  explainConfirmationRefusal,
  isUrgent,
  refuseConfirmation,
  type BreakGlass,
  type Confirmation,
} from './break-glass';
export { emergencyRules } from './emergency-rules';
export { afterGap } from './after-gap';
export { estimateEnd, type EstimatedEnd } from './estimate-end';
export { refuseCanaries } from './canary-choice';
export { countThere } from './count-there';
export { doubtReport, type ReportBounds, type ReportClaims } from './doubt-report';
export { domainProgress } from './domain-progress';
export { Domains, domainOf, explainSpread, refuseSpread, type DomainState, type Spread } from './domains';
export { explainHalt, explainNotYet, explainWaiting, isAwaited } from './explain-not-yet';
export { nodeObstacles } from './node-obstacles';
export { nodesToProbe } from './nodes-to-probe';
export { noProbes, type ProbeRules } from './probe-rules';
export { plannedGates, type PlannedGate } from './planned-gates';
export { plannedLoads, type PlannedLoad } from './planned-load';
export { planCaveats, type PlanCaveat } from './plan-caveats';
export { countedAsFailure } from './parent-under-order';
export { planningRollout, planRollout } from './plan-rollout';
export { finish, type Steps } from './steps';
export { changesSince, previewRollout, previewText, type PreviewedNode, type RolloutPreview } from './rollout-preview';
export {
  explainRolloutRefusal,
  refuseRollout,
  type RolloutContext,
  type RolloutRefusal,
  type RunningRollout,
} from './refuse-rollout';
export {
  explainOrderRefusal,
  refuseOrder,
  type OrderedPlan,
  type OrderRefusal,
  type RolloutOrder,
} from './rollout-order';
export {
  budgetOf,
  defaultRules,
  refuseRules,
  waveSizes,
  type PolicyRules,
  type RolloutPolicy,
  type RolloutRules,
  type UndoneRollout,
} from './rollout-policy';
export { rulesChanged } from './rules-changed';
export { retiredLoads, type RetiredLoad } from './retired-loads';
export { takenBack } from './taken-back';
export { allowedOf, exceeds, explainShare, sizeOf, type Share } from './share';
export { isForGood } from './rollout-plan';
export type {
  Halt,
  Inconclusive,
  Move,
  NodeFacts,
  NodeFactsReport,
  NodePlan,
  NotYet,
  OpenWave,
  PlanStatus,
  RolloutPlan,
  Waiting,
  WavePlan,
} from './rollout-plan';
export type { PlanRequest } from './plan-request';
