// SPDX-License-Identifier: GPL-2.0-only
import type { HeldOutStatus, NodeName } from '@lockstep/domain/livepatch-model';
import { explainClosed } from '@lockstep/domain/schedule';
import { counted } from '@lockstep/domain/visible-text';
import { explainRetired } from './retired-loads';
import type { Halt, Inconclusive, NotYet, RolloutPlan, Waiting } from './rollout-plan';

const whyHeldOut: Readonly<Record<HeldOutStatus, string>> = {
  diverged: 'its kernel holds what is not in the load order',
  forked: "its log is not this control plane's",
  ahead: 'it knows entries that this control plane has lost',
  implausible: 'what it reports cannot be true',
};

const waveName = (wave: number): string => (wave === 0 ? 'the canaries' : `wave ${wave}`);

/** As many are named: each node that waits names those that it waits for. */
export const mostNamed = 10;

const someOf = (nodes: readonly NodeName[], count: number): string => {
  const named = nodes.slice(0, mostNamed);
  return count <= named.length ? named.join(', ') : `${named.join(', ')} and ${counted(count - named.length, 'other')}`;
};

const openWords = (wave: number, openWave: RolloutPlan['openWave']): string =>
  openWave === null || openWave.bakesUntilMs !== null
    ? `${waveName(wave)}, which have to stay well`
    : `${waveName(wave)}: ${someOf(openWave.nodes, openWave.open)}`;

/** A kernel that goes on after an oops is not to be trusted any more, but nobody has to look for its host. */
function crashWords({ nodes, oopsed = [] }: Extract<Halt, { reason: 'crash' }>): string {
  const gone = nodes.filter((node) => !oopsed.includes(node));
  return [
    ...(gone.length === 0 ? [] : [`A host did not survive it: ${gone.join(', ')}.`]),
    ...(oopsed.length === 0 ? [] : [`A kernel had an oops since, which its host has survived: ${oopsed.join(', ')}.`]),
  ].join(' ');
}

/** Why a rollout halted, in words and numbers. */
export function explainHalt(halt: Halt): string {
  switch (halt.reason) {
    case 'failures': {
      const { wave, failures, allowed, planned, nodes } = halt;
      const many = `${failures} of ${counted(planned, 'node')} of ${waveName(wave)} failed, ${allowed} may`;
      return `${many}: ${someOf(nodes, failures)}.`;
    }
    case 'crash':
      return crashWords(halt);
    case 'no-room':
      if (halt.domain !== undefined) {
        return `Of ${halt.domain} ${halt.failures} failed, as many as may be unwell at once: ${halt.nodes.join(', ')} cannot start.`;
      }
      return `In ${waveName(halt.wave)} ${someOf(halt.nodes, halt.failures)} failed, as many as may be unwell at once: nobody else can start.`;
    case 'gate': {
      const { gate, value, wave } = halt;
      // A stored plan holds no infinity.
      return `Gate ${gate.name} is ${Number.isFinite(value) ? value : 'infinite'} at ${waveName(wave)}, and has to be ${gate.comparison} ${gate.limit}.`;
    }
    case 'retired':
      return `It was retired meanwhile, and nodes had yet to load it: ${explainRetired(halt.entries)}.`;
    case 'nobody-arrived':
      return `No node of ${waveName(halt.wave)} got there.`;
    case 'out-of-time':
      return 'The glass stays broken for three hours, and they have passed: from now on windows and approvals hold again.';
    case 'nobody-left':
      return 'The last of its nodes has left the cluster.';
  }
}

/** Why a person has to say how it goes on, and what they may say. */
function explainInconclusive(what: Inconclusive): string {
  if (what.kind === 'gate') {
    return (
      `Inconclusive: gate ${what.gate} could not be measured at ${waveName(what.wave)}: ${what.problem}. ` +
      'Paused: `lockstep rollout resume` goes on without the gates of that wave, `lockstep rollout abort` ends it.'
    );
  }
  if (what.kind === 'domain') {
    const { domain, nodes, ready } = what;
    return (
      `Inconclusive: of ${domain} ${someOf(nodes, nodes.length)} could not be measured, and nobody else of it may start ` +
      `before that: ${someOf(ready, ready.length)}. ` +
      'Paused: `lockstep rollout resume` goes on without them, `lockstep rollout abort` ends it.'
    );
  }
  const { wave, count, allowed, nodes } = what;
  return (
    `Inconclusive: ${counted(count, 'node')} of ${waveName(wave)} could not be measured, ${allowed} may: ${someOf(nodes, count)}. ` +
    'Paused: `lockstep rollout resume` goes on without them, `lockstep rollout abort` ends it.'
  );
}

/** What a rollout waits for, in words; until when is the reader's to show. */
export function explainWaiting(waiting: Waiting, { openWave }: Pick<RolloutPlan, 'openWave'>): string {
  switch (waiting.reason) {
    case 'wave':
      return `Waits for ${openWords(waiting.wave, openWave)}.`;
    case 'approval':
      return `Waits for approvals: ${waiting.given} of ${waiting.needed} have been given to what is planned now.`;
    case 'window':
      return `Nothing may begin now: ${explainClosed(waiting.closed)}.`;
    case 'bake':
      return `All of ${waveName(waiting.wave)} are there, and have to stay well.`;
    case 'gates':
      return (
        `All of ${waveName(waiting.wave)} have been well for long enough; the gates have to be measured` +
        `${waiting.untilMs === null ? ', and nobody asks them yet' : ''}.`
      );
    case 'absent':
      if (openWave !== null) return `No canary could try it yet; waits for ${someOf(waiting.nodes, waiting.count)}.`;
      return `Nobody else is to be tried; waits for ${someOf(waiting.nodes, waiting.count)}.`;
    case 'inconclusive':
      return explainInconclusive(waiting.what);
    case 'paused':
      return 'Paused: `lockstep rollout resume` lets it go on.';
  }
}

/** A "not yet" of a plan in words: what is waited for, and where someone must act, how. */
export function explainNotYet(notYet: NotYet, { openWave, halt }: Pick<RolloutPlan, 'openWave' | 'halt'>): string {
  switch (notYet.reason) {
    case 'waiting-for-canary':
      return `Waits for ${openWords(0, openWave)}.`;
    case 'waiting-for-wave':
      return `Waits for ${openWords(notYet.wave, openWave)}.`;
    case 'waiting-for-budget':
      return 'Its wave is open: it starts as soon as fewer of the wave are on their way or unwell.';
    case 'waiting-for-domain': {
      const { domain, onTheWay, failures, unmeasured = 0, atMost } = notYet;
      const beside = [
        `${onTheWay} are under way`,
        ...(failures === 0 ? [] : [`${failures} unwell`]),
        ...(unmeasured === 0 ? [] : [`${unmeasured} could not be measured`]),
      ];
      return `Held: of ${domain} ${beside.join(' and ')}, and at most ${atMost} may be.`;
    }
    case 'waiting-for-approval':
      return 'Nothing begins before enough people have approved: `lockstep rollout approve`.';
    case 'waiting-for-window':
      return `Its load may not begin now: ${explainClosed(notYet.closed)}.`;
    case 'waiting-for-baseline':
      return 'Its wave is open: it starts when its probes have passed as it is now.';
    case 'late':
      return 'It came after the waves were planned: it follows when the rollout has succeeded.';
    case 'retired':
      return `Not brought to what another rollout takes back: ${explainRetired(notYet.entries)}. It follows that one.`;
    case 'moving':
      return `On its way, at position ${notYet.position}.`;
    case 'stuck':
      return `Told to move, and still at position ${notYet.position}: ${notYet.problem}`;
    case 'overdue':
      return `Told to move, and not there in time, at position ${notYet.position}: \`lockstep node blocking\` may say why.`;
    case 'unreachable':
      return 'Away for longer than is waited for: it is brought to the position when it returns.';
    case 'disconnected':
      return 'Not connected: it is brought to the position when it returns; `lockstep node remove` if it never will.';
    case 'silent':
      return 'Connected, but its agent has not reported a state that this control plane knows.';
    case 'lost':
      return 'Gone since it was told to move: look at the machine; `lockstep node remove` if it never returns.';
    case 'diverged':
    case 'forked':
    case 'ahead':
    case 'implausible':
      return `Held out, ${whyHeldOut[notYet.reason]}: ${notYet.problem}`;
    case 'failed':
      return `Failed: ${notYet.problem}`;
    case 'unwell':
      return `Its kernel has complained since it was let go: ${notYet.problem}`;
    case 'obstructed':
      return `Held out until this is out of the way, for its kernel would refuse the load: ${notYet.problem}`;
    case 'quarantined':
      return `Quarantined: ${notYet.problem}`;
    case 'probing':
      return 'It is there; its probes have not all been run since.';
    case 'probe-failed':
      return `It is there, and a probe fails: ${notYet.problem}`;
    case 'unhealthy':
      return `Not loaded, for a probe fails before its load: ${notYet.problem}`;
    case 'unmeasured':
      return `A probe cannot be measured, which is no pass: ${notYet.problem}`;
    case 'rollout-halted':
      return `Not started, the rollout halted: ${halt === null ? 'see the rollout' : explainHalt(halt)}`;
    case 'rollout-paused':
      return 'Not started, the rollout is paused: `lockstep rollout resume` lets it go on.';
    case 'rollout-aborted':
      return 'Not started, the rollout was aborted.';
  }
}

const waitsItself: ReadonlySet<NotYet['reason']> = new Set([
  'waiting-for-canary',
  'waiting-for-wave',
  'waiting-for-budget',
  'waiting-for-domain',
  'waiting-for-approval',
  'waiting-for-window',
  'waiting-for-baseline',
  'late',
  'retired',
  'rollout-halted',
  'rollout-paused',
  'rollout-aborted',
] as const);

/** Does the rollout wait for this node, or the node, like others, for the rollout? */
export const isAwaited = ({ reason }: NotYet): boolean => !waitsItself.has(reason);
