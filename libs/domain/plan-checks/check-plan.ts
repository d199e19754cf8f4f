// SPDX-License-Identifier: GPL-2.0-only
import { hasStrayLog, isHeldOutStatus, type NodeName, type Seq } from '@lockstep/domain/livepatch-model';
import {
  nodeObstacles,
  type NodeFacts,
  type NodePlan,
  type PlannedLoad,
  type PlanRequest,
  type RolloutPlan,
} from '@lockstep/domain/rollout-planner';

export type PlanRule =
  /** Names its parent and the generation after it; or is the parent in newer words. */
  | 'lineage'
  /** One position for every node, the policy's. */
  | 'one-target'
  /** No position that the load order does not have. */
  | 'beyond-head'
  /** Positions and targets only grow. */
  | 'lowers-target'
  /** Each node of the kernel build once, and no other. */
  | 'membership'
  /** A release is never taken back. */
  | 'takes-back-release'
  /** No node is sent before its release, nor one that is held out. */
  | 'unfit-move'
  /** Nobody starts before the canaries are there. */
  | 'canaries-first'
  /** No wave starts before those below it have ended. */
  | 'waves-in-order'
  /** A halted rollout sends nobody; a status that is for good stays. */
  | 'status'
  /** A success has every node there, and each node that is not there says why. */
  | 'unexplained';

export interface PlanFault {
  readonly rule: PlanRule;
  readonly node: NodeName | null;
  readonly message: string;
}

export interface PlanContext extends PlanRequest {
  /** Seq of the load order's last entry. */
  readonly head: Seq;
}

interface Lookups {
  readonly facts: ReadonlyMap<NodeName, NodeFacts>;
  readonly before: ReadonlyMap<NodeName, NodePlan>;
  readonly planned: ReadonlyMap<NodeName, NodePlan>;
}

const fault = (rule: PlanRule, node: NodeName | null, message: string): PlanFault => ({ rule, node, message });

const isThere = (facts: NodeFacts | undefined, toSeq: Seq): boolean =>
  facts?.connected === true && facts.report?.status === 'in-step' && facts.report.position >= toSeq;

/** Waves wait for nodes that could still arrive; this is decided from the facts alone, not from the plan's words. */
function couldArrive({ connected, report }: NodeFacts, released: boolean, loads: readonly PlannedLoad[] = []): boolean {
  if (report !== null && hasStrayLog(report.status)) return false;
  if (!connected) return released;
  // Not one that was sent already: its kernel has said, or will say, what it takes.
  if (!released && nodeObstacles(report, loads).fatal.length > 0) return false;
  return report !== null && !isHeldOutStatus(report.status);
}

function checkLineage(plan: RolloutPlan, { parent, policy, head }: PlanContext): PlanFault[] {
  const faults: PlanFault[] = [];
  const isSame = parent !== null && plan.generation === parent.generation && plan.parent === parent.parent;
  const isNext = plan.parent === (parent?.generation ?? null) && plan.generation === (parent?.generation ?? 0) + 1;
  if (!isSame && !isNext) {
    faults.push(fault('lineage', null, `generation ${plan.generation} does not follow its parent`));
  }
  const targets = [plan.toSeq, ...plan.moves.map(({ toSeq }) => toSeq)];
  if (targets.some((toSeq) => toSeq !== policy.toSeq)) {
    faults.push(fault('one-target', null, `targets ${targets.join(', ')}, asked for ${policy.toSeq}`));
  }
  if (targets.some((toSeq) => toSeq > head)) {
    faults.push(fault('beyond-head', null, `targets ${targets.join(', ')}, the head is ${head}`));
  }
  return faults;
}

function checkMembership(plan: RolloutPlan, { policy, inventory }: PlanContext): PlanFault[] {
  const members = new Set(
    inventory.filter(({ kernelBuild }) => kernelBuild === policy.kernelBuild).map(({ node }) => node),
  );
  const planned = new Set<NodeName>();
  const faults: PlanFault[] = [];
  for (const { node } of plan.nodes) {
    if (planned.has(node)) faults.push(fault('membership', node, 'is there twice'));
    else if (!members.has(node)) faults.push(fault('membership', node, 'is not a member'));
    planned.add(node);
  }
  for (const node of members) if (!planned.has(node)) faults.push(fault('membership', node, 'is left out'));
  return faults;
}

function checkMoves(plan: RolloutPlan, { facts, planned }: Lookups): PlanFault[] {
  return plan.moves.flatMap(({ node, toSeq }) => {
    const known = facts.get(node);
    const inPlan = planned.get(node);
    if (known === undefined || inPlan === undefined) return [fault('membership', node, 'is sent, but not planned')];
    const furthest = Math.max(known.report?.target ?? 0, known.report?.position ?? 0);
    const unfit = !inPlan.released || !known.connected || !couldArrive(known, true);
    return [
      ...(toSeq < furthest ? [fault('lowers-target', node, `is at ${furthest}, sent to ${toSeq}`)] : []),
      ...(unfit ? [fault('unfit-move', node, 'is sent, but not released or held out')] : []),
    ];
  });
}

interface LowestWaiting {
  readonly wave: number;
  readonly node: NodeName;
}

/** Newly released nodes must find the canaries there and every lower wave ended. Not asked after a success. */
function checkOrder(
  plan: RolloutPlan,
  { parent, policy, loads }: PlanContext,
  { facts, before }: Lookups,
): PlanFault[] {
  if (parent?.status === 'succeeded') return [];
  const waits = (other: NodePlan): boolean => {
    const known = facts.get(other.node);
    const wasSpent = other.failedBefore || known === undefined || isThere(known, policy.toSeq);
    return !wasSpent && known.connected && couldArrive(known, other.released, loads);
  };
  let canariesThere = 0;
  // Whoever waits in the lowest wave is the one that all later waves must wait for.
  let lowest: LowestWaiting | undefined;
  for (const other of plan.nodes) {
    const { node, wave } = other;
    if (wave === 0 && isThere(facts.get(node), policy.toSeq)) canariesThere += 1;
    if ((lowest === undefined || wave < lowest.wave) && waits(other)) lowest = { wave, node };
  }
  return plan.nodes.flatMap((planned) => {
    const sentBefore = (facts.get(planned.node)?.report?.target ?? 0) >= policy.toSeq;
    const isNew = planned.released && before.get(planned.node)?.released !== true && !sentBefore;
    if (!isNew || planned.wave === 0) return [];
    return [
      ...(canariesThere < policy.canaries
        ? [fault('canaries-first', planned.node, `starts with ${canariesThere} canaries there`)]
        : []),
      ...(lowest !== undefined && lowest.wave < planned.wave
        ? [fault('waves-in-order', planned.node, `starts before ${lowest.node}`)]
        : []),
    ];
  });
}

function checkStatus(plan: RolloutPlan, { parent, policy }: PlanContext, { facts, before }: Lookups): PlanFault[] {
  const faults: PlanFault[] = [];
  if (parent !== null && parent.status !== 'running' && plan.status !== parent.status) {
    faults.push(fault('status', null, `${parent.status} became ${plan.status}`));
  }
  if (plan.status === 'halted' && plan.moves.length > 0) faults.push(fault('status', null, 'sends nodes while halted'));
  const newSuccess = plan.status === 'succeeded' && parent?.status !== 'succeeded';
  for (const { node, released, notYet } of plan.nodes) {
    const there = isThere(facts.get(node), policy.toSeq);
    if (there !== (notYet === null)) faults.push(fault('unexplained', node, 'reason and facts disagree'));
    if (newSuccess && !there) faults.push(fault('unexplained', node, 'is not there, yet the rollout has succeeded'));
    if (!released && before.get(node)?.released === true)
      faults.push(fault('takes-back-release', node, 'was released'));
  }
  return faults;
}

/** Lints a plan, whoever made it, against the facts it was made from. No faults: it may be stored and sent. */
export function checkPlan(plan: RolloutPlan, context: PlanContext): PlanFault[] {
  const lookups: Lookups = {
    facts: new Map(context.inventory.map((facts) => [facts.node, facts])),
    before: new Map(context.parent?.nodes.map((node) => [node.node, node])),
    planned: new Map(plan.nodes.map((node) => [node.node, node])),
  };
  return [
    ...checkLineage(plan, context),
    ...checkMembership(plan, context),
    ...checkMoves(plan, lookups),
    ...checkOrder(plan, context, lookups),
    ...checkStatus(plan, context, lookups),
  ];
}
