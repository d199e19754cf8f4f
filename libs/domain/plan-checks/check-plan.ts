// SPDX-License-Identifier: GPL-2.0-only
import { hasStrayLog, isHeldOutStatus, type NodeName, type Seq } from '@lockstep/domain/livepatch-model';
import { alwaysOpen, Gates, type Gate } from '@lockstep/domain/schedule';
import { matchesSelector, noLabels, parseSelector } from '@lockstep/domain/labels';
import {
  budgetOf,
  domainOf,
  emergencyMs,
  exceeds,
  finish,
  isForGood,
  nodeObstacles,
  sizeOf,
  type NodeFacts,
  type NodePlan,
  type PlannedLoad,
  type PlanRequest,
  type RolloutPlan,
  type RolloutPolicy,
  type Steps,
} from '@lockstep/domain/rollout-planner';
import { isLeftOut, isProven, probeWord } from './probe-lints';

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
  /** No more of a wave are on their way or unwell than may be at once. */
  | 'over-budget'
  /** No more of a failure domain are on their way or unwell than may be at once. */
  | 'over-domain'
  /** Nobody is a canary whom the labels asked for do not choose. */
  | 'unfit-canary'
  /** Nothing goes on where more have failed than may. */
  | 'too-many-failures'
  /** Nobody starts, nor is sent, whose load may not begin now. */
  | 'outside-window'
  /** Nobody starts before enough people have approved this very plan. */
  | 'without-approval'
  /** Nobody starts before its probes have passed where it is. */
  | 'without-baseline'
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

/** Its kernel has complained since it was let go. */
const isTroubled = ({ report }: NodeFacts, { troubleBefore }: NodePlan): boolean =>
  report?.trouble !== undefined && report.trouble.id !== troubleBefore;

const holdsPosition = (facts: NodeFacts | undefined, planned: NodePlan, toSeq: Seq): boolean =>
  facts?.connected === true &&
  facts.report?.status === 'in-step' &&
  facts.report.position >= toSeq &&
  !isTroubled(facts, planned);

/** Holds the position, and has proved it as long as that is asked. */
const isThere = (facts: NodeFacts | undefined, planned: NodePlan, context: PlanContext): boolean =>
  holdsPosition(facts, planned, context.policy.toSeq) && isProven(facts, planned, context);

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

/** From the facts alone: it was sent, and did not get there, or is gone. */
function isUnwell(planned: NodePlan, facts: NodeFacts | undefined, context: PlanContext): boolean {
  const { policy, nowMs } = context;
  if (facts === undefined || planned.excused || !planned.released) return false;
  const { report, connected } = facts;
  if (report !== null && hasStrayLog(report.status)) return false;
  const hasFailed = report?.status === 'failed' || report?.status === 'quarantined';
  if (hasFailed && (report.target >= policy.toSeq || report.takesNoTarget === true) && planned.triesAgain !== true) {
    return true;
  }
  if (!connected) return true;
  if (isThere(facts, planned, context) || (report !== null && isHeldOutStatus(report.status))) return false;
  if (isTroubled(facts, planned)) return true;
  if (holdsPosition(facts, planned, policy.toSeq)) {
    return probeWord(facts, context, true) === 'fail' && planned.triesAgain !== true;
  }
  return planned.triesSinceMs !== undefined && nowMs - planned.triesSinceMs > policy.deadlineMs;
}

const isComing = (facts: NodeFacts, planned: NodePlan, context: PlanContext): boolean =>
  couldArrive(facts, planned.released, context.loads) && !isLeftOut(facts, planned, context);

interface WaveCount {
  there: number;
  unwell: number;
  onTheWay: number;
  /** Whoever later waves must wait for; absent where nobody could still arrive. */
  waits?: NodeName;
  first: NodeName;
  starts: NodeName[];
}

function countWaves(plan: RolloutPlan, context: PlanContext, { facts, before }: Lookups): Map<number, WaveCount> {
  const { policy } = context;
  const waves = new Map<number, WaveCount>();
  for (const planned of plan.nodes) {
    const known = facts.get(planned.node);
    if (planned.wave === null || known === undefined) continue;
    const count = waves.get(planned.wave) ?? { there: 0, unwell: 0, onTheWay: 0, first: planned.node, starts: [] };
    waves.set(planned.wave, count);
    const wasSent = before.get(planned.node)?.released === true || (known.report?.target ?? 0) >= policy.toSeq;
    if (planned.released && !wasSent) count.starts.push(planned.node);
    if (isThere(known, planned, context)) count.there += 1;
    else if (isUnwell(planned, known, context)) count.unwell += 1;
    else if (!planned.excused && known.connected && isComing(known, planned, context)) {
      if (planned.released) count.onTheWay += 1;
      count.waits ??= planned.node;
    }
  }
  return waves;
}

/**
 * Who newly starts must find the canaries there, lower waves ended with somebody who has tried it, and room in its own.
 * After a success it is asked of waves that have not passed.
 */
function checkOrder(plan: RolloutPlan, context: PlanContext, lookups: Lookups): PlanFault[] {
  const { policy, parent } = context;
  const waves = countWaves(plan, context, lookups);
  const hasPassed = (wave: number): boolean => parent?.waves[wave]?.passedAtMs != null;
  const isUntried = !hasPassed(0) && (waves.get(0)?.there ?? 0) === 0;
  const faults: PlanFault[] = [];
  let lower: NodeName | undefined;
  for (const [wave, count] of [...waves].sort(([a], [b]) => a - b)) {
    const { planned = 0, passedAtMs = null } = plan.waves[wave] ?? {};
    if (plan.status === 'succeeded' && passedAtMs !== null) continue;
    const isOver = count.onTheWay + count.unwell > budgetOf(policy, planned);
    for (const node of count.starts) {
      if (isUntried && wave > 0) faults.push(fault('canaries-first', node, 'starts with no canary there'));
      if (lower !== undefined) faults.push(fault('waves-in-order', node, `starts before ${lower}`));
      if (isOver)
        faults.push(fault('over-budget', node, `starts with ${count.onTheWay + count.unwell} of wave ${wave}`));
    }
    if (plan.status === 'running' && exceeds(count.unwell, policy.allowedFailures, planned)) {
      faults.push(
        fault('too-many-failures', null, `goes on with ${count.unwell} of ${planned} unwell in wave ${wave}`),
      );
    }
    if (!hasPassed(wave)) lower ??= count.waits ?? (count.there === 0 ? count.first : undefined);
  }
  return faults;
}

/** It starts now: no earlier plan, and no earlier rollout, had sent it. */
const startsNow = ({ node, released }: NodePlan, policy: RolloutPolicy, { facts, before }: Lookups): boolean =>
  released && before.get(node)?.released !== true && (facts.get(node)?.report?.target ?? 0) < policy.toSeq;

interface DomainCount {
  nodes: number;
  busy: number;
  starts: NodeName[];
}

/** Over all waves, and whoever came late: how many of a domain are under way or unwell, where somebody of it starts. */
function checkSpread(plan: RolloutPlan, context: PlanContext, lookups: Lookups): PlanFault[] {
  const { policy, loads } = context;
  const { spread } = policy;
  if (spread === undefined) return [];
  const domains = new Map<string, DomainCount>();
  for (const planned of plan.nodes) {
    const known = lookups.facts.get(planned.node);
    const name = domainOf(spread, known?.labels);
    const count = domains.get(name) ?? { nodes: 0, busy: 0, starts: [] };
    domains.set(name, count);
    count.nodes += 1;
    if (known === undefined) continue;
    if (startsNow(planned, policy, lookups)) count.starts.push(planned.node);
    const isOnTheWay = planned.released && known.connected && couldArrive(known, true, loads);
    const isThereNow = isThere(known, planned, context);
    if (isUnwell(planned, known, context) || (isOnTheWay && !isThereNow && !planned.excused)) count.busy += 1;
  }
  return [...domains].flatMap(([name, { nodes, busy, starts }]) =>
    busy <= sizeOf(spread.atMost, nodes)
      ? []
      : starts.map((node) => fault('over-domain', node, `starts with ${busy} of ${nodes} of ${name}`)),
  );
}

/** Of those who become canaries with this plan: one that has lost the label since stays where it was planned. */
function checkCanaries(plan: RolloutPlan, { policy }: PlanContext, { facts, before }: Lookups): PlanFault[] {
  const { canarySelector } = policy;
  if (canarySelector === undefined) return [];
  const selector = parseSelector(canarySelector);
  return plan.nodes
    .filter(({ wave, node }) => wave === 0 && before.get(node)?.wave !== 0)
    .filter(({ node }) => !matchesSelector(selector, facts.get(node)?.labels ?? noLabels))
    .map(({ node }) => fault('unfit-canary', node, `is a canary, and no ${canarySelector}`));
}

function checkStatus(plan: RolloutPlan, context: PlanContext, { facts, before }: Lookups): PlanFault[] {
  const { parent, order, policy } = context;
  const faults: PlanFault[] = [];
  const isStopped = plan.status === 'halted' || plan.status === 'aborted';
  const stays = parent !== null && (isForGood(parent.status) || (parent.status !== 'running' && order === undefined));
  if (stays && plan.status !== parent.status && !(parent.status === 'paused' && plan.status === 'halted')) {
    faults.push(fault('status', null, `${parent.status} became ${plan.status}`));
  }
  if (isStopped && plan.moves.length > 0) faults.push(fault('status', null, `sends nodes while ${plan.status}`));
  const newSuccess = plan.status === 'succeeded' && parent?.status !== 'succeeded';
  for (const planned of plan.nodes) {
    const { node, released, wave, notYet } = planned;
    const known = facts.get(node);
    const there = isThere(known, planned, context);
    const starts = released && before.get(node)?.released !== true && (known?.report?.target ?? 0) < policy.toSeq;
    if (starts && (isStopped || plan.status === 'paused'))
      faults.push(fault('status', node, `starts while ${plan.status}`));
    if (there !== (notYet === null)) faults.push(fault('unexplained', node, 'reason and facts disagree'));
    const couldCome =
      known?.connected === true && isComing(known, planned, context) && !isUnwell(planned, known, context);
    if (newSuccess && wave !== null && !there && !planned.excused && couldCome) {
      faults.push(fault('unexplained', node, 'could still come, yet the rollout has succeeded'));
    }
    if (!released && before.get(node)?.released === true)
      faults.push(fault('takes-back-release', node, 'was released'));
  }
  return faults;
}

/** Counted once more: one word of each person but the author, for this plan and no other. */
function checkApprovals(
  plan: RolloutPlan,
  { policy, parent, nowMs }: PlanContext,
  { before, facts }: Lookups,
): PlanFault[] {
  const rules = policy.approvals;
  if (rules === null || parent?.approvals?.begun === true) return [];
  const voices = new Set<string>();
  for (const { by, atMs, hash } of plan.approvals?.given ?? []) {
    const counts = rules.among.length === 0 || rules.among.includes(by);
    if (counts && by !== rules.author && hash === plan.approvals?.hash && nowMs - atMs < rules.validMs) voices.add(by);
  }
  if (voices.size >= rules.needed) return [];
  return plan.nodes
    .filter(({ node, released }) => released && before.get(node)?.released !== true)
    .filter(({ node }) => (facts.get(node)?.report?.target ?? 0) < policy.toSeq)
    .map(({ node }) => fault('without-approval', node, `starts with ${voices.size} of ${rules.needed} approvals`));
}

/** A node that is under way already finishes, whatever closes meanwhile. */
function checkGates(plan: RolloutPlan, context: PlanContext, { facts, before, planned }: Lookups): PlanFault[] {
  const { schedule = alwaysOpen, nowMs, clockMs = nowMs, policy } = context;
  // In an emergency loads may begin at any time, for as long as that lasts.
  const isEmergency = policy.breakGlass !== undefined && nowMs < (plan.urgentSinceMs ?? -Infinity) + emergencyMs;
  const gates = new Gates(isEmergency ? alwaysOpen : schedule, clockMs);
  const gateOf = (node: NodeName): Gate => gates.of(facts.get(node)?.labels);
  const hasTaken = (node: NodeName): boolean => (facts.get(node)?.report?.target ?? 0) >= policy.toSeq;
  const starting = [...planned.values()].filter(
    ({ node, released }) => released && before.get(node)?.released !== true,
  );
  const sent = new Set([...starting, ...plan.moves].map(({ node }) => node));
  return [...sent]
    .filter((node) => !hasTaken(node) && gateOf(node).kind !== 'open')
    .map((node) => fault('outside-window', node, 'starts although its load may not begin now'));
}

/** What takes another rollout back waits for nobody to be well before. */
function checkBaselines(plan: RolloutPlan, context: PlanContext, { before, facts }: Lookups): PlanFault[] {
  const { policy } = context;
  if (policy.undoes !== undefined) return [];
  return plan.nodes
    .filter(({ node, released }) => released && before.get(node)?.released !== true)
    .filter(({ node }) => (facts.get(node)?.report?.target ?? 0) < policy.toSeq)
    .filter(({ node }) => probeWord(facts.get(node), context, false) !== 'pass')
    .map(({ node }) => fault('without-baseline', node, 'starts before its probes have passed'));
}

/** Lints a plan, whoever made it, against the facts it was made from. No faults: it may be stored and sent. */
export const checkPlan = (plan: RolloutPlan, context: PlanContext): PlanFault[] => finish(checkingPlan(plan, context));

/** The same in steps. */
export function* checkingPlan(plan: RolloutPlan, context: PlanContext): Steps<PlanFault[]> {
  const lookups: Lookups = {
    facts: new Map(context.inventory.map((facts) => [facts.node, facts])),
    before: new Map(context.parent?.nodes.map((node) => [node.node, node])),
    planned: new Map(plan.nodes.map((node) => [node.node, node])),
  };
  yield;
  const checks = [
    () => checkLineage(plan, context),
    () => checkMembership(plan, context),
    () => checkMoves(plan, lookups),
    () => checkOrder(plan, context, lookups),
    () => checkSpread(plan, context, lookups),
    () => checkCanaries(plan, context, lookups),
    () => checkStatus(plan, context, lookups),
    () => checkGates(plan, context, lookups),
    () => checkApprovals(plan, context, lookups),
    () => checkBaselines(plan, context, lookups),
  ];
  const faults: PlanFault[] = [];
  for (const check of checks) {
    faults.push(...check());
    yield;
  }
  return faults;
}
