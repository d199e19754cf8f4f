// SPDX-License-Identifier: GPL-2.0-only
import { seqZero, type NodeName, type Seq } from '@lockstep/domain/livepatch-model';
import { showProbe } from '@lockstep/domain/probes';
import { alwaysOpen, Gates } from '@lockstep/domain/schedule';
import { countApprovals, isPending, type Approvals } from './approvals';
import { approvalsOf } from './approvals-of-plan';
import { isUrgent } from './break-glass';
import { assignWaves, byName } from './assign-waves';
import { mostNamed } from './explain-not-yet';
import { haltOfGates, inconclusiveGates, WaveGates, type GateWord } from './wave-gates';
import { inconclusiveDomain, inconclusiveOf } from './inconclusive';
import { parentUnderOrder } from './parent-under-order';
import { retiredAhead } from './retired-loads';
import { isForGood, type Halt, type Inconclusive, type Move, type OpenWave, type PlanStatus } from './rollout-plan';
import type { PlanRequest } from './plan-request';
import type { NodePlan, RolloutPlan, Waiting } from './rollout-plan';
import { statusAfter } from './rollout-order';
import type { RolloutPolicy } from './rollout-policy';
import { inNewestWords } from './same-decision';
import { nodeStanding, type NodeStanding, type Standing } from './standing';
import { finish, mapInSteps, type Steps } from './steps';
import {
  fillUntriedWave,
  haltOf,
  isSkipped,
  openWaveOf,
  passWaves,
  startersOf,
  waveStates,
  type Placed,
  type WaveState,
} from './wave-state';
import { awaySinceMs, whyNotYet } from './why-not-yet';
import { domainOf, Domains } from './domains';
import { haltOfAbsence, type Absent } from './nobody-arrived';

interface Verdict {
  readonly status: PlanStatus;
  readonly halt: Halt | null;
  /** Why it has paused by itself. */
  readonly inconclusive?: Inconclusive | undefined;
}

const isThereOrAtWork: ReadonlySet<Standing> = new Set(['there', 'on-its-way', 'probing', 'ready', 'overdue'] as const);

/** @returns of the planned nodes that are neither there nor at work, those whose time has not passed. */
function absentOf(placed: readonly Placed[], before: ReadonlyMap<NodeName, NodePlan>, request: PlanRequest): Absent[] {
  const { policy, nowMs } = request;
  return placed
    .filter(({ wave, standing }) => wave !== null && !isThereOrAtWork.has(standing))
    .map((node) => ({
      ...{ node: node.facts.node, wave: node.wave },
      untilMs: awaySinceMs(node, before.get(node.facts.node), nowMs) + policy.deadlineMs,
    }))
    .filter(({ untilMs }) => untilMs > nowMs);
}

/** What a plan knows of the nodes, before it decides. */
interface Known {
  readonly placed: readonly Placed[];
  readonly states: readonly WaveState[];
  readonly absent: readonly Absent[];
  readonly domains: Domains;
  /** Enough people have approved. */
  readonly mayBegin: boolean;
  /** Not enough have, and there is somebody who would begin with it. */
  readonly asksApproval: boolean;
  readonly urgentSinceMs: number | undefined;
  readonly gates: GateWord | undefined;
}

/** A clock that was put back gives an emergency no more than the whole time anew. */
const urgentSince = (policy: RolloutPolicy, parent: RolloutPlan | null, nowMs: number): number | undefined =>
  policy.breakGlass === undefined ? undefined : Math.min(parent?.urgentSinceMs ?? nowMs, nowMs);

function verdictOf(request: PlanRequest, known: Known): Verdict {
  const { placed, states, absent, domains, asksApproval, urgentSinceMs, gates } = known;
  const { parent, order, policy } = request;
  const status = statusAfter(parent?.status ?? 'running', order);
  if (isForGood(status)) return { status, halt: null };
  if (status === 'halted') return { status, halt: parent?.halt ?? null };
  const hasLeft = parent !== null && parent.nodes.length > 0 && request.inventory.every(isOtherKernel(policy));
  // Nobody is waited for, and nobody has tried it, so newcomers are not brought there at once.
  const halt: Halt | null = hasLeft
    ? { reason: 'nobody-left' }
    : (haltOf(states, policy, domains) ?? haltOfGates(gates) ?? haltOfRetired(request, states));
  if (halt !== null) return { status: 'halted', halt };
  const was = parent?.waiting?.reason === 'inconclusive' ? parent.waiting.what : undefined;
  if (status === 'paused') return { status, halt: null, inconclusive: was };
  const missed = asksApproval ? null : haltOfAbsence(states, placed, absent, policy);
  if (missed !== null) return { status: 'halted', halt: missed };
  const openWave = openWaveOf(states, policy)?.wave ?? Infinity;
  const inconclusive =
    inconclusiveOf(states, policy) ??
    inconclusiveGates(gates) ??
    (asksApproval ? null : inconclusiveDomain(states, placed, domains, openWave));
  if (inconclusive !== null && status === 'running') return { status: 'paused', halt: null, inconclusive };
  const isOver = (state: WaveState): boolean => state.passedAtMs !== null || isSkipped(state, policy);
  const isDone = states.some(({ passedAtMs }) => passedAtMs !== null) && states.every(isOver) && absent.length === 0;
  const isAtRest = states.every(({ onTheWay, ready }) => onTheWay.length + ready.length === 0);
  if (isDone && isAtRest && !asksApproval) return { status: 'succeeded', halt: null };
  const isLate = urgentSinceMs !== undefined && !isUrgent(urgentSinceMs, request.nowMs);
  return isLate ? { status: 'halted', halt: { reason: 'out-of-time' } } : { status: 'running', halt: null };
}

/** Who is on the way finishes; nobody starts to load what nobody wants any more. */
function haltOfRetired({ retired = [] }: PlanRequest, states: readonly WaveState[]): Halt | null {
  const ready = states.flatMap((state) => state.ready);
  const entries = retired.filter(({ seq }) => ready.some((node) => positionOf(node) < seq));
  const nodes = ready
    .filter((node) => entries.some(({ seq }) => positionOf(node) < seq))
    .map(({ facts }) => facts.node);
  return entries.length === 0 ? null : { reason: 'retired', entries, nodes: nodes.slice(0, mostNamed) };
}

const isOtherKernel =
  ({ kernelBuild }: RolloutPolicy) =>
  (facts: { readonly kernelBuild: unknown }): boolean =>
    facts.kernelBuild !== kernelBuild;

/** After a success: all whose wave has passed, or that came later, at once, as far as their domains have room. */
const followers = ({ placed, states, domains }: Known, isWanted: (node: Placed) => boolean): Placed[] =>
  placed
    .filter(({ wave }) => wave === null || states[wave]?.passedAtMs !== null)
    .filter((node) => node.standing === 'ready' && node.gate.kind === 'open' && !node.awaitsBaseline && isWanted(node))
    .filter((node) => node.released || domains.take(node));

const positionOf = ({ facts }: Placed): Seq => facts.report?.position ?? seqZero;

/** Lets those go whose wave is open, or has passed without them; after a success also who came late. */
function release(known: Known, status: PlanStatus, { policy, nowMs, retired = [] }: PlanRequest): Placed[] {
  const { placed, states, domains, mayBegin } = known;
  if (!mayBegin) return [...placed];
  if (status !== 'running' && status !== 'succeeded') return [...placed];
  const openWave = openWaveOf(states, policy)?.wave ?? Infinity;
  const isWanted = (node: Placed): boolean => retiredAhead(retired, positionOf(node)).length === 0;
  const hasSucceeded = status === 'succeeded';
  // What nobody has tried goes on in turn after a success too, unless failures speak against it.
  const goOn = !hasSucceeded || haltOf(states, policy, domains) === null;
  const inTurn = states.filter(
    ({ wave, passedAtMs }) => goOn && wave <= openWave && !(hasSucceeded && passedAtMs !== null),
  );
  const may = new Set<Placed>([
    ...(hasSucceeded ? followers(known, isWanted) : []),
    ...inTurn.flatMap((state) => startersOf(state, policy, domains, isWanted)),
  ]);
  return placed.map((node) =>
    may.has(node) ? { ...node, standing: 'on-its-way', released: true, triesSinceMs: nowMs } : node,
  );
}

/** Of those that are not there and may not start now, the one that may first. */
function firstGateOf(placed: readonly Placed[], openWave: OpenWave | null): Waiting | null {
  let first: Waiting | null = null;
  for (const { standing, wave, gate } of placed) {
    if (standing === 'there' || gate.kind === 'open' || wave === null || wave > (openWave?.wave ?? Infinity)) continue;
    if (first?.untilMs == null || gate.opensAtMs < first.untilMs) {
      first = { reason: 'window', closed: gate, untilMs: gate.opensAtMs };
    }
  }
  return first;
}

function awaitedApprovals(
  status: PlanStatus,
  approvals: Approvals | undefined,
  { asksApproval }: Known,
  nowMs: number,
): Waiting | null {
  if (status !== 'running' || approvals === undefined || !asksApproval) return null;
  return { reason: 'approval', given: countApprovals(approvals, nowMs), needed: approvals.needed, untilMs: null };
}

function waitingOf(
  { status, inconclusive }: Verdict,
  placed: readonly Placed[],
  openWave: OpenWave | null,
  absent: readonly Absent[],
  { policy: { deadlineMs }, nowMs, gatesAskedSinceMs }: PlanRequest,
): Waiting | null {
  if (status === 'paused' && inconclusive !== undefined)
    return { reason: 'inconclusive', what: inconclusive, untilMs: null };
  if (status === 'paused') return { reason: 'paused', untilMs: null };
  if (status !== 'running') return null;
  const latest = (times: readonly number[]): number | null =>
    times.reduce<number | null>((max, each) => Math.max(max ?? each, each), null);
  const missing = absent.filter(({ wave }) => wave === null || wave <= (openWave?.wave ?? Infinity));
  const nodes = missing.slice(0, mostNamed).map(({ node }) => node);
  const absentUntilMs = latest(missing.map(({ untilMs }) => untilMs));
  const awaitsAbsent: Waiting | null =
    absentUntilMs === null ? null : { reason: 'absent', nodes, count: missing.length, untilMs: absentUntilMs };
  const last = openWave?.wave ?? Infinity;
  const isNext = ({ wave, gate }: Placed): boolean => wave !== null && wave <= last && gate.kind === 'open';
  const tries = placed.flatMap((node) => {
    const { standing, triesSinceMs, measuresSinceMs, wave } = node;
    if (standing === 'on-its-way' && wave !== null) return [(triesSinceMs ?? 0) + deadlineMs];
    const isMeasured = measuresSinceMs !== undefined && (standing === 'probing' || isNext(node));
    return isMeasured ? [measuresSinceMs + deadlineMs] : [];
  });
  if (tries.length === 0 && openWave !== null && openWave.bakesUntilMs !== null) {
    const { wave, bakesUntilMs: untilMs } = openWave;
    if (nowMs < untilMs) return { reason: 'bake', wave, untilMs };
    const lateAtMs = gatesAskedSinceMs === undefined ? null : Math.max(untilMs, gatesAskedSinceMs) + deadlineMs;
    return { reason: 'gates', wave, untilMs: lateAtMs };
  }
  const isReady = ({ standing }: Placed): boolean => standing === 'ready';
  if (tries.length === 0) {
    return firstGateOf(placed.filter(isReady), openWave) ?? awaitsAbsent ?? firstGateOf(placed, openWave);
  }
  const busyWave = openWave?.wave ?? placed.find(({ standing }) => standing === 'on-its-way')?.wave ?? 0;
  return { reason: 'wave', wave: busyWave, untilMs: latest(tries) };
}

function movesOf(nodes: readonly Placed[], status: PlanStatus, { toSeq }: RolloutPolicy): Move[] {
  if (status === 'halted' || status === 'aborted') return [];
  return nodes
    .filter(({ standing }) => standing === 'on-its-way' || standing === 'overdue')
    .filter(({ facts }) => facts.connected && (facts.report?.target ?? seqZero) < toSeq)
    .map(({ facts }) => ({ node: facts.node, toSeq }));
}

/** Seen once: when it is first where it was brought. */
function tookOf(node: Placed, was: NodePlan | undefined, { policy, nowMs }: PlanRequest): number | undefined {
  if (was?.tookMs !== undefined) return was.tookMs;
  if (was?.triesSinceMs === undefined || positionOf(node) < policy.toSeq) return undefined;
  return Math.max(0, nowMs - was.triesSinceMs);
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Each of it once: of objects spread into one another thousands a second cost more than all that is decided. */
function nodePlanOf(
  node: Placed,
  policy: RolloutPolicy,
  { notYet, sinceMs, tookMs }: Pick<NodePlan, 'notYet' | 'sinceMs' | 'tookMs'>,
): NodePlan {
  const { facts, wave, released, excused, obstacles } = node;
  const position = facts.report?.position ?? seqZero;
  const plan: Writable<NodePlan> = { node: facts.node, wave, position, released, excused, notYet, sinceMs };
  if (node.unwellBefore) plan.unwellBefore = true;
  if (node.triesAgain) plan.triesAgain = true;
  if (node.triesSinceMs !== undefined) plan.triesSinceMs = node.triesSinceMs;
  if (tookMs !== undefined) plan.tookMs = tookMs;
  if (node.troubleBefore !== undefined) plan.troubleBefore = node.troubleBefore;
  if (policy.spread !== undefined) plan.domain = domainOf(policy.spread, facts.labels);
  if (obstacles.possible.length > 0) plan.obstacles = obstacles.possible;
  return plan;
}

/** In the order of the plan before, newcomers last: what is nearly in order is soon sorted. */
function asBefore(nodes: readonly NodeStanding[], parent: RolloutPlan | null): NodeStanding[] {
  if (parent === null) return [...nodes];
  const left = new Map(nodes.map((node) => [node.facts.node, node]));
  const known: NodeStanding[] = [];
  for (const { node } of parent.nodes) {
    const found = left.get(node);
    if (found === undefined) continue;
    known.push(found);
    left.delete(node);
  }
  return [...known, ...left.values()];
}

const placedIn = (node: NodeStanding, wave: number | null): Placed => ({ ...node, wave });

const lastWave = Number.MAX_SAFE_INTEGER;

const byWaveThenName = (a: Placed, b: Placed): number => (a.wave ?? lastWave) - (b.wave ?? lastWave) || byName(a, b);

/**
 * The next plan of a rollout from what is known now: canaries, then wave after wave, as nodes arrive. Pure, and safe
 * to run again at any moment. Where nothing has changed it returns `parent` itself; where no decision has, the parent's
 * generation in newer words, which need not be stored; but an order, which is, has a generation of its own. Store a new
 * generation, then send its `moves`; send those of the same one again too, they are the ones that no agent has
 * acknowledged.
 */
export const planRollout = (request: PlanRequest): RolloutPlan => finish(planningRollout(request));

/** The same in steps, each of which looks at some nodes, or at every one of them for one thing. */
export function* planningRollout(request: PlanRequest): Steps<RolloutPlan> {
  const { policy, inventory, nowMs, caveats = [], loads = [], schedule = alwaysOpen } = request;
  const parent = parentUnderOrder(request);
  const urgentSinceMs = urgentSince(policy, parent, nowMs);
  const before = new Map(parent?.nodes.map((node) => [node.node, node]));
  const context = {
    toSeq: policy.toSeq,
    deadlineMs: policy.deadlineMs,
    nowMs,
    loads,
    retired: request.retired ?? [],
    gates: new Gates(isUrgent(urgentSinceMs, nowMs) ? alwaysOpen : schedule, request.clockMs ?? nowMs),
    undoes: policy.undoes !== undefined,
    probing: {
      wanted: policy.probing.probes.map(showProbe),
      ...{ toSeq: policy.toSeq, deadlineMs: policy.deadlineMs, nowMs },
      needsBaseline: policy.undoes === undefined,
    },
    isOpenTo: (was: NodePlan | undefined): boolean =>
      parent === null || (was?.wave != null && parent.waves[was.wave]?.passedAtMs === null),
  };
  const members = inventory.filter(({ kernelBuild }) => kernelBuild === policy.kernelBuild);
  const standings = yield* mapInSteps(members, (facts) => nodeStanding(facts, before.get(facts.node), context));
  yield;
  const waves = assignWaves(standings, policy, parent, before);
  yield;
  const inOrder = asBefore(standings, parent);
  yield;
  const assigned = yield* mapInSteps(inOrder, (node): Placed => placedIn(node, waves.get(node.facts.node) ?? null));
  yield;
  assigned.sort(byWaveThenName);
  yield;

  const thereSinceMs = (node: NodeName): number | undefined => {
    const was = before.get(node);
    return was?.notYet === null ? was.sinceMs : undefined;
  };
  const gates = new WaveGates(policy, request.measures ?? [], nowMs, request.gatesAskedSinceMs);
  const mayPass = (state: WaveState, sinceMs: number): boolean => gates.judge(state, sinceMs).kind === 'pass';
  const statesOf = (nodes: readonly Placed[]): WaveState[] =>
    passWaves(waveStates(nodes, parent?.waves ?? []), policy, thereSinceMs, nowMs, mayPass);
  const assignedStates = statesOf(assigned);
  const filled = fillUntriedWave(assigned, assignedStates, policy);
  const isAsAssigned = filled === assigned;
  const placed = isAsAssigned ? assigned : [...filled].sort(byWaveThenName);
  const states = isAsAssigned ? assignedStates : statesOf(placed);
  yield;
  const absent = absentOf(placed, before, request);
  const approvals = approvalsOf({ ...request, parent }, placed);
  const mayBegin = !isPending(approvals, nowMs);
  yield;
  const domains = new Domains(policy.spread, placed);
  // Where all are there, nothing begins and nobody is asked.
  const asksApproval = !mayBegin && placed.some((node) => positionOf(node) < policy.toSeq);
  const known = { placed, states, absent, domains, mayBegin, asksApproval, urgentSinceMs, gates: gates.word(states) };
  const verdict = verdictOf({ ...request, parent }, known);
  const { status, halt } = verdict;
  const openWave = openWaveOf(states, policy);
  yield;
  const released = release(known, status, request);
  const begins = released.some((node, index) => node !== placed[index]);
  yield;
  const { retired = [] } = request;
  const words = { status, openWave, nowMs, deadlineMs: policy.deadlineMs, isPending: !mayBegin, retired, domains };
  const nodes = yield* mapInSteps(released, (node): NodePlan => {
    const was = before.get(node.facts.node);
    const { notYet, sinceMs } = whyNotYet(node, was, words);
    return nodePlanOf(node, policy, { notYet, sinceMs, tookMs: tookOf(node, was, request) });
  });
  yield;
  const plan: RolloutPlan = {
    generation: (parent?.generation ?? 0) + 1,
    parent: parent?.generation ?? null,
    toSeq: policy.toSeq,
    status,
    waves: states.map(({ planned, bakesSinceMs, passedAtMs, gatesWaived }) => ({
      ...{ planned, bakesSinceMs, passedAtMs },
      ...(gatesWaived ? { gatesWaived } : {}),
    })),
    openWave,
    halt,
    waiting:
      awaitedApprovals(status, approvals, known, nowMs) ?? waitingOf(verdict, released, openWave, absent, request),
    nodes,
    ...(approvals === undefined
      ? {}
      : { approvals: { ...approvals, begun: approvals.begun || begins || (mayBegin && status === 'succeeded') } }),
    ...(urgentSinceMs === undefined ? {} : { urgentSinceMs }),
    moves: movesOf(released, status, policy),
    caveats: parent?.caveats ?? caveats,
  };
  yield;
  return request.order === undefined ? inNewestWords(request.parent, plan) : plan;
}
