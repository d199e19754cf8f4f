// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName, type Seq } from '@lockstep/domain/livepatch-model';
import {
  finish,
  planningRollout,
  type NodeFacts,
  type PlanRequest,
  type RolloutPlan,
  type Steps,
} from '@lockstep/domain/rollout-planner';
import { checkingPlan, type PlanFault } from './check-plan';

export interface CheckedPlan {
  readonly plan: RolloutPlan;
  /** What was wrong with the plans that were not taken; their nodes are held out of this one. */
  readonly faults: readonly PlanFault[];
}

const explain = ({ rule, message }: PlanFault): string => `${rule}: ${message}`;

function heldOut(facts: NodeFacts, faults: readonly PlanFault[]): NodeFacts {
  const position = facts.report?.position ?? (0 as Seq);
  const target = facts.report?.target ?? (0 as Seq);
  const problem = `No plan that has it in can be right (${faults.map(explain).join('; ')}).`;
  return { ...facts, report: { status: 'implausible', position, target, problem } };
}

/**
 * The next plan, without fault. A fault in one concerns its node, whose facts must be impossible: it is held out as
 * `implausible`, and the others go on.
 * @throws LockstepError `internal` `faulty-plan` for a fault that no node is to blame for: that is our bug.
 */
export const planWithoutFaults = (request: PlanRequest, head: Seq): CheckedPlan =>
  finish(planningWithoutFaults(request, head));

/** The same in steps. */
export function* planningWithoutFaults(request: PlanRequest, head: Seq): Steps<CheckedPlan> {
  const faults: PlanFault[] = [];
  let { inventory } = request;
  for (;;) {
    const plan = yield* planningRollout({ ...request, inventory });
    yield;
    const found = plan === request.parent ? [] : yield* checkingPlan(plan, { ...request, inventory, head });
    if (found.length === 0) return { plan, faults };
    const before = new Set(faults.map(({ node }) => node));
    const nodes = new Set(found.map(({ node }) => node).filter((node) => !before.has(node)));
    if (nodes.size === 0 || nodes.has(null)) {
      const rules = found.map((fault) => `${fault.node ?? 'plan'}: ${explain(fault)}`);
      const message = 'The planner made a plan that breaks its own rules.';
      throw new LockstepError('internal', 'faulty-plan', message, { rules });
    }
    faults.push(...found);
    const faultsOf = new Map<NodeName | null, PlanFault[]>();
    for (const each of found) faultsOf.set(each.node, [...(faultsOf.get(each.node) ?? []), each]);
    inventory = inventory.map((facts) =>
      nodes.has(facts.node) ? heldOut(facts, faultsOf.get(facts.node) ?? []) : facts,
    );
  }
}
