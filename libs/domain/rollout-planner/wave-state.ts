// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import { canaryChoice } from './canary-choice';
import type { Domains } from './domains';
import { mostNamed } from './explain-not-yet';
import type { Halt, OpenWave, WavePlan } from './rollout-plan';
import { budgetOf, type RolloutRules } from './rollout-policy';
import { allowedOf, exceeds } from './share';
import { countsAsFailure, isHeldOut, type NodeStanding } from './standing';

export interface Placed extends NodeStanding {
  /** Null of a node that came after the waves were planned: nothing waits for it, and it counts nowhere. */
  readonly wave: number | null;
}

/** One wave as it stands. */
export interface WaveState {
  readonly wave: number;
  /** Nodes that it was planned with. */
  readonly planned: number;
  readonly there: readonly Placed[];
  readonly onTheWay: readonly Placed[];
  readonly ready: readonly Placed[];
  readonly failures: readonly Placed[];
  /** Of which nobody knows how they are, and whom nobody has gone on without. */
  readonly unmeasured: readonly Placed[];
  /** Whose probes fail before their load. */
  readonly unhealthy: readonly Placed[];
  /** Away or held out. */
  readonly out: readonly Placed[];
  readonly bakesSinceMs: number | null;
  readonly passedAtMs: number | null;
  readonly gatesWaived: boolean;
}

const firstNames = (nodes: readonly Placed[]): NodeName[] => nodes.slice(0, mostNamed).map(({ facts }) => facts.node);

/** Since when a node has been there, by the plan before; undefined of one that was not. */
export type ThereSinceMs = (node: NodeName) => number | undefined;

const thereSince = (nodes: readonly Placed[], sinceMs: ThereSinceMs, nowMs: number): number =>
  nodes.reduce((latest, { facts }) => Math.max(latest, Math.min(sinceMs(facts.node) ?? nowMs, nowMs)), -Infinity);

/** Of each kind of standing, the nodes of a wave, in one walk: thousands of nodes are planned with each second. */
function sorted(nodes: readonly Placed[]) {
  const kinds = {
    there: [] as Placed[],
    onTheWay: [] as Placed[],
    ready: [] as Placed[],
    failures: [] as Placed[],
    unmeasured: [] as Placed[],
    unhealthy: [] as Placed[],
    out: [] as Placed[],
  };
  for (const node of nodes) {
    const { standing, excused } = node;
    if (standing === 'there') kinds.there.push(node);
    else if (standing === 'on-its-way' || standing === 'probing') kinds.onTheWay.push(node);
    else if (standing === 'ready') kinds.ready.push(node);
    else if (standing === 'unhealthy') kinds.unhealthy.push(node);
    else if (standing === 'unmeasured' && !excused) kinds.unmeasured.push(node);
    if (countsAsFailure(node)) kinds.failures.push(node);
    if (isHeldOut(node)) kinds.out.push(node);
  }
  return kinds;
}

/** @param before of the parent plan; empty for a new rollout, whose waves are planned by this. */
export function waveStates(nodes: readonly Placed[], before: readonly WavePlan[]): WaveState[] {
  const members = new Map<number, Placed[]>(before.map((_, wave) => [wave, []]));
  for (const node of nodes) {
    if (node.wave === null) continue;
    const known = members.get(node.wave);
    if (known === undefined) members.set(node.wave, [node]);
    else known.push(node);
  }
  return [...members]
    .sort(([a], [b]) => a - b)
    .map(([wave, all]) => ({
      wave,
      planned: before[wave]?.planned ?? all.length,
      ...sorted(all),
      bakesSinceMs: before[wave]?.bakesSinceMs ?? null,
      passedAtMs: before[wave]?.passedAtMs ?? null,
      gatesWaived: before[wave]?.gatesWaived === true,
    }));
}

const isBusy = ({ onTheWay, ready }: WaveState): boolean => onTheWay.length > 0 || ready.length > 0;

/** Nobody got there, and nobody is on the way any more. */
const hasNobody = (wave: WaveState): boolean => wave.passedAtMs === null && wave.there.length === 0 && !isBusy(wave);

/** All of it are away or held out, or have left. It does not pass: who could try it takes their place, or nobody is left. */
export const isUntried = (wave: WaveState): boolean => hasNobody(wave) && wave.failures.length === 0;

/** Such a wave keeps none waiting, but for canaries that somebody has chosen: without them nothing goes on. */
export const isSkipped = (state: WaveState, { canarySelector }: RolloutRules): boolean =>
  isUntried(state) && (state.wave > 0 || canarySelector === undefined);

/** All that it waits for are there, and somebody is. */
const isComplete = (state: WaveState): boolean => !isBusy(state) && state.there.length > 0;

const crashedOf = ({ failures }: WaveState): Placed[] => failures.filter(({ standing }) => standing === 'crashed');

const hasTooManyFailures = ({ failures, planned }: WaveState, { allowedFailures }: RolloutRules): boolean =>
  exceeds(failures.length, allowedFailures, planned);

/** Its own failures halt the rollout: whoever goes on despite them lets it pass, and nobody else. */
const isStopped = (state: WaveState, rules: RolloutRules): boolean =>
  hasTooManyFailures(state, rules) || (rules.haltsOnCrash && crashedOf(state).length > 0);

/**
 * Waves pass one after the other, each once for all: when all that it waits for have been there, and well, for the bake
 * time, and no more have failed than may. One that nobody can try keeps none waiting: nodes that could start have been moved into it, if there are any.
 * @param thereSinceMs of nodes that were there before
 * @param mayPass what else is asked of one whose bake time is over
 */
export function passWaves(
  states: readonly WaveState[],
  rules: RolloutRules,
  thereSinceMs: ThereSinceMs,
  nowMs: number,
  mayPass: (state: WaveState, bakesSinceMs: number) => boolean = () => true,
): WaveState[] {
  let open = false;
  return states.map((state) => {
    if (open || state.passedAtMs !== null) return state;
    if (!isComplete(state)) {
      open = !isSkipped(state, rules);
      return { ...state, bakesSinceMs: null };
    }
    const bakesSinceMs = thereSince(state.there, thereSinceMs, nowMs);
    open = nowMs - bakesSinceMs < rules.bakeMs || !mayPass(state, bakesSinceMs);
    open ||= isStopped(state, rules);
    return { ...state, bakesSinceMs, passedAtMs: open ? null : nowMs };
  });
}

/**
 * Where nobody of a wave can try it, and nodes of later waves could, as many as it was planned with are moved into it: what
 * comes after it is as well tried as it was planned to be.
 */
export function fillUntriedWave(
  placed: readonly Placed[],
  states: readonly WaveState[],
  rules: RolloutRules,
): readonly Placed[] {
  const first = states.find(({ passedAtMs }) => passedAtMs === null);
  if (first === undefined || !isUntried(first)) return placed;
  const { wave, planned } = first;
  const later = states.filter((state) => state.wave > wave).flatMap(({ ready }) => ready);
  const isFit = canaryChoice(rules);
  const next = new Set(later.filter(({ facts }) => wave > 0 || isFit(facts)).slice(0, planned));
  return next.size === 0 ? placed : placed.map((node) => (next.has(node) ? { ...node, wave } : node));
}

export function openWaveOf(states: readonly WaveState[], rules: RolloutRules): OpenWave | null {
  const open = states.find((state) => state.passedAtMs === null && !isSkipped(state, rules));
  if (open === undefined) return null;
  const holding = isUntried(open) ? open.out : [...open.onTheWay, ...open.ready];
  const bakesUntilMs = open.bakesSinceMs === null ? null : open.bakesSinceMs + rules.bakeMs;
  return { wave: open.wave, bakesUntilMs, open: holding.length, nodes: firstNames(holding) };
}

/** Failures have used its budget up: who is ready could wait for ever. */
const hasNoRoom = ({ planned, onTheWay, ready, failures }: WaveState, rules: RolloutRules): boolean =>
  ready.length > 0 && onTheWay.length === 0 && failures.length >= budgetOf(rules, planned);

/** Of those who are ready each is in a domain whose failures have used up its share: nobody else of it could start. */
function domainWithoutRoom({ wave, onTheWay, ready }: WaveState, domains: Domains): Halt | null {
  const [first] = ready;
  const isStuck = ready.every((node) => !node.released && domains.isUsedUp(node));
  if (first === undefined || onTheWay.length > 0 || !isStuck) return null;
  const { name, failures } = domains.of(first);
  return { reason: 'no-room', wave, failures, nodes: firstNames(ready), domain: name };
}

function crashHalt(crashed: readonly Placed[]): Halt {
  const named = crashed.slice(0, mostNamed);
  const oopsed = firstNames(named.filter(({ facts }) => facts.report?.status !== 'quarantined'));
  return { reason: 'crash', nodes: firstNames(named), ...(oopsed.length === 0 ? {} : { oopsed }) };
}

/** Why it must halt now, if it must. */
export function haltOf(states: readonly WaveState[], rules: RolloutRules, domains: Domains): Halt | null {
  const { allowedFailures, haltsOnCrash } = rules;
  const crashed = states.flatMap(crashedOf);
  if (haltsOnCrash && crashed.length > 0) return crashHalt(crashed);
  const openWave = openWaveOf(states, rules)?.wave ?? Infinity;
  for (const state of states) {
    const { wave, planned, failures } = state;
    const nodes = firstNames(failures);
    if (hasTooManyFailures(state, rules)) {
      const allowed = allowedOf(allowedFailures, planned);
      return { reason: 'failures', wave, failures: failures.length, allowed, planned, nodes };
    }
    if (hasNoRoom(state, rules)) return { reason: 'no-room', wave, failures: failures.length, nodes };
    const full = domainWithoutRoom(state, domains);
    if (full !== null && wave <= openWave) return full;
    if (hasNobody(state) && failures.length > 0) return { reason: 'nobody-arrived', wave };
  }
  return null;
}

/**
 * Who of a wave may start: those whose loads may begin now and that its budget and their domains have room for, by name.
 * @param isWanted nobody wants what the others would load
 */
export function startersOf(
  { planned, onTheWay, failures, ready, unhealthy }: WaveState,
  rules: RolloutRules,
  domains: Domains,
  isWanted: (node: Placed) => boolean,
): readonly Placed[] {
  const mayBegin = ready.filter((node) => node.gate.kind === 'open' && !node.awaitsBaseline && isWanted(node));
  const budget = budgetOf(rules, planned);
  // They slow it down, and never to a stand: nothing was done to them.
  const burned = Math.min(unhealthy.length, Math.max(0, budget - failures.length - 1));
  // Sent already, and perhaps under way: they keep their room.
  const sent = ready.filter(({ released }) => released).length;
  const room = Math.max(0, budget - burned - onTheWay.length - failures.length - sent);
  const starters: Placed[] = [];
  for (const node of mayBegin.filter(({ released }) => !released)) {
    if (starters.length < room && domains.take(node)) starters.push(node);
  }
  return [...mayBegin.filter(({ released }) => released), ...starters];
}
