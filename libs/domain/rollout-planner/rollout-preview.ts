// SPDX-License-Identifier: GPL-2.0-only
import { tornPatches, type TornPatch } from '@lockstep/domain/conflicts';
import type { NodeName, Seq, Sha256 } from '@lockstep/domain/livepatch-model';
import { showGate, showProbe } from '@lockstep/domain/probes';
import { alwaysOpen, type Schedule } from '@lockstep/domain/schedule';
import { headHash, stackAt, stackOwners, stepsTo, type LogEntry, type Stack } from '@lockstep/domain/load-order';
import { explainNotYet } from './explain-not-yet';
import type { NotYet, RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';

export interface PreviewedNode {
  readonly node: NodeName;
  readonly wave: number | null;
  readonly position: Seq;
  /** Its failure domain, where the rollout is spread. */
  readonly domain?: string | undefined;
  /** Names of the modules that it will unload and load, in that order each. */
  readonly unloads: readonly string[];
  readonly loads: readonly string[];
  /** Why it will not be sent as it is now, in words; null of one that will. */
  readonly leftOut: string | null;
}

/** What a rollout would do if it began now: nothing has been shipped for it. */
export interface RolloutPreview {
  readonly policy: RolloutPolicy;
  /** Of the last entry that it loads. */
  readonly logHash: Sha256;
  /** By wave, then name. */
  readonly nodes: readonly PreviewedNode[];
  /** Patches of the position's stack that will run in part. */
  readonly torn: readonly TornPatch<Seq>[];
  /** What says when its loads may begin, by name; empty for an emergency, which asks none of it. */
  readonly schedule: readonly NamedTimes[];
}

/** `window "night"`, and all that it says, as text: the same today and tomorrow. */
interface NamedTimes {
  readonly name: string;
  readonly text: string;
}

function isLeftOut({ reason }: NotYet): boolean {
  switch (reason) {
    case 'moving':
    case 'stuck':
    case 'waiting-for-canary':
    case 'waiting-for-wave':
    case 'waiting-for-budget':
    case 'waiting-for-domain':
    case 'waiting-for-approval':
    case 'waiting-for-window':
    case 'waiting-for-baseline':
    case 'probing':
      return false;
    case 'late':
    case 'retired':
    case 'overdue':
    case 'disconnected':
    case 'unreachable':
    case 'silent':
    case 'lost':
    case 'failed':
    case 'quarantined':
    case 'unwell':
    case 'obstructed':
    case 'probe-failed':
    case 'unhealthy':
    case 'unmeasured':
    case 'diverged':
    case 'forked':
    case 'ahead':
    case 'implausible':
    case 'rollout-paused':
    case 'rollout-halted':
    case 'rollout-aborted':
      return true;
  }
}

/** Time alone makes no other plan: who is away is left out, for however long that has been so. */
const timeless = (notYet: NotYet): NotYet => (notYet.reason === 'unreachable' ? { reason: 'disconnected' } : notYet);

function stepsBetween(held: Stack, target: Stack): Pick<PreviewedNode, 'unloads' | 'loads'> {
  const modules = held.map(({ body }) => ({ module: body.artifact.moduleName, artifact: body.artifact.sha256 }));
  const steps = stepsTo(modules, target);
  return {
    unloads: steps.flatMap((step) => (step.kind === 'unload' ? [step.module] : step.replaces)),
    loads: steps.flatMap((step) => (step.kind === 'load' ? [step.entry.body.artifact.moduleName] : [])),
  };
}

/** What time makes of it is none of it: which is open now, and whether a freeze is over. */
function namedTimes({ windows, freezes }: Schedule): NamedTimes[] {
  const named = [
    ...windows.map((window) => {
      const { selector, zone, days, startMinute, lengthMs, cutoffMs } = window;
      return { name: `window "${window.name}"`, says: [selector, zone, days, startMinute, lengthMs, cutoffMs] };
    }),
    ...freezes.map(({ name, selector, fromMs, untilMs }) => {
      return { name: `freeze "${name}"`, says: [selector, fromMs, untilMs] };
    }),
  ];
  return named
    .map(({ name, says }) => ({ name, text: JSON.stringify(says) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * @param plan the first of a rollout, made from what is known now
 * @param schedule of its cluster
 */
export function previewRollout(
  policy: RolloutPolicy,
  plan: RolloutPlan,
  entries: readonly LogEntry[],
  schedule: Schedule = alwaysOpen,
): RolloutPreview {
  const target = stackAt(entries, policy.toSeq);
  const steps = new Map<Seq, Pick<PreviewedNode, 'unloads' | 'loads'>>();
  const stepsFrom = (position: Seq): Pick<PreviewedNode, 'unloads' | 'loads'> => {
    const known = steps.get(position) ?? stepsBetween(stackAt(entries, position), target);
    steps.set(position, known);
    return known;
  };
  return {
    policy,
    logHash: headHash(entries.slice(0, policy.toSeq)),
    nodes: plan.nodes.map(({ node, wave, position, domain, notYet }) => ({
      ...{ node, wave, position, domain, ...stepsFrom(position) },
      leftOut: notYet !== null && isLeftOut(notYet) ? explainNotYet(timeless(notYet), plan) : null,
    })),
    torn: tornPatches(stackOwners(target)),
    schedule: policy.breakGlass === undefined ? namedTimes(schedule) : [],
  };
}

/** Everything that makes it this plan and no other, as text to be hashed: the same today and tomorrow. */
export function previewText({ policy, logHash, nodes, schedule }: RolloutPreview): string {
  const { kernelBuild, toSeq, canaries, waves, allowedFailures, atOnce, haltsOnCrash, deadlineMs, bakeMs, undoes } =
    policy;
  const { canarySelector = null, spread = null, breakGlass } = policy;
  const { probes, everyMs, timeoutMs, allowedErrors } = policy.probing;
  const rules = [
    ...[canaries, canarySelector, waves, allowedFailures, atOnce, spread],
    ...[haltsOnCrash, deadlineMs, bakeMs, undoes?.rollout ?? null, breakGlass !== undefined],
    ...[probes.map(showProbe), everyMs, timeoutMs, allowedErrors, policy.gates.map(showGate)],
  ];
  const members = nodes.map(({ node, wave, position, domain = null, leftOut }) => [
    node,
    wave,
    position,
    domain,
    leftOut,
  ]);
  const times = schedule.map(({ name, text }) => [name, text]);
  return JSON.stringify(['lockstep rollout plan 4', kernelBuild, toSeq, rules, logHash, members, times]);
}

const placeOf = (wave: number | null): string => (wave === 0 ? 'the canaries' : `wave ${wave ?? '-'}`);

function scheduleChanges(shown: RolloutPreview, now: RolloutPreview): string[] {
  const before = new Map(shown.schedule.map(({ name, text }) => [name, text]));
  const changes = now.schedule.flatMap(({ name, text }) => {
    const was = before.get(name);
    before.delete(name);
    if (was === text) return [];
    return [`${name} ${was === undefined ? 'has been added' : 'is another one'}.`];
  });
  return [...changes, ...[...before.keys()].map((name) => `${name} was removed.`)];
}

/** What has changed since a plan was shown, in words; none if it is the same. */
export function changesSince(shown: RolloutPreview, now: RolloutPreview): string[] {
  const before = new Map(shown.nodes.map((node) => [node.node, node]));
  const changes = shown.logHash === now.logHash ? [] : ['The load order is another one.'];
  for (const { node, wave, position, domain, leftOut } of now.nodes) {
    const was = before.get(node);
    before.delete(node);
    if (was === undefined) changes.push(`${node} has come.`);
    else if (was.leftOut !== leftOut) changes.push(`${node}: ${leftOut ?? 'is not left out any more.'}`);
    else if (was.position !== position) changes.push(`${node} is at position ${position}, not ${was.position}.`);
    else if (was.domain !== domain) changes.push(`${node} is in ${domain}, not in ${was.domain}.`);
    else if (was.wave !== wave) changes.push(`${node} is in ${placeOf(wave)}, not in ${placeOf(was.wave)}.`);
  }
  for (const node of before.keys()) changes.push(`${node} has left.`);
  return [...changes, ...scheduleChanges(shown, now)];
}
