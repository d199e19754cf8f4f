// SPDX-License-Identifier: GPL-2.0-only
export { checkPlan, type PlanContext, type PlanFault, type PlanRule } from './check-plan';
export { planningWithoutFaults, planWithoutFaults, type CheckedPlan } from './plan-without-faults';
