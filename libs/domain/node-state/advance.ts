// SPDX-License-Identifier: GPL-2.0-only
import {
  extendLog,
  isDatedAhead,
  keysOf,
  newestKey,
  refuseHead,
  type ExtensionRefusal,
  type LogChecks,
  type LogEntry,
  type SignedHead,
} from '@lockstep/domain/load-order';
import { LockstepError, type ModuleName, type Seq } from '@lockstep/domain/livepatch-model';
import { hasBegun, judgeEarlierBoots, mergeQuarantines, releasedBy, watchLoads, withStable } from './crash-guard';
import type { BegunLoad, BootFacts, Quarantine } from './boot-history';
import { jobKey, nextMove, positionReached } from './next-move';
import type {
  Advance,
  Job,
  JobOutcome,
  Known,
  NodeEffect,
  NodeEvent,
  NodeState,
  Recorded,
  Setback,
} from './node-state';
import type { Observation, Problem } from './observation';

const firstRetryMs = 1_000;
/** A node that fails again and again still tries about twice a minute, since what is in the way often goes away. */
const longestRetryMs = 30_000;

/** The state of an agent that has just started with what its journal holds; first it judges earlier boots, and looks. */
export function startNode(recorded: Recorded, boot: BootFacts): Advance {
  const found = judgeEarlierBoots(recorded, boot);
  const known: Known = {
    ...recorded,
    boot,
    quarantines: mergeQuarantines(recorded.quarantines, found),
    fork: undefined,
    unreadable: undefined,
    storage: undefined,
  };
  const { state, effects } = look(known, undefined, undefined);
  if (recorded.loads.every(({ bootId }) => bootId === boot.bootId)) return { state, effects };
  return { state, effects: [{ kind: 'record-boot', bootId: boot.bootId, quarantines: found }, ...effects] };
}

function look(known: Known, seen: Observation | undefined, setback: Setback | undefined): Advance {
  return { state: { phase: 'looking', known, seen, setback }, effects: [{ kind: 'observe' }] };
}

const withKnown = (state: NodeState, known: Known): NodeState => ({ ...state, known });

function failure(known: Known, seen: Observation | undefined, problem: Problem, before: Setback | undefined): Advance {
  const failures = before?.count ?? 0;
  const state: NodeState = { phase: 'failed', known, seen, setback: { count: failures + 1, problem } };
  if (problem.lasting === true) return { state, effects: [{ kind: 'report' }] };
  const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures, 10));
  return {
    state,
    effects: [{ kind: 'report' }, { kind: 'retry-later', delayMs }],
  };
}

function noEffect(job: Job, seen: Observation): Problem {
  const holds = seen.patches.map((patch) => patch.module).join(', ');
  const message = `"${jobKey(job)}" reported success, yet it is still to be done; the kernel holds [${holds}].`;
  return { reason: 'no-effect', message };
}

/** A load is in the journal before it begins; it runs once that is recorded. */
function begin(known: Known, job: Job): NodeEffect {
  if (job.kind !== 'load' || hasBegun(known, job.entry.seq)) return { kind: 'run', job };
  return { kind: 'record-load', seq: job.entry.seq, bootId: known.boot.bootId };
}

/** A word about livepatches is about those that were there: loaded again by hand they are news. */
function forgetGone({ disowned }: Known, { patches }: Observation): NodeEffect[] {
  const isOver = disowned.length > 0 && !patches.some(({ module }) => disowned.includes(module));
  return isOver ? [{ kind: 'record-repair', modules: [] }] : [];
}

/** Where an observation leads. `done` is the job that has just succeeded. */
function decide(known: Known, seen: Observation, setback: Setback | undefined, done?: Job): Advance {
  const reached = positionReached(known, seen);
  const record = forgetGone(known, seen);
  if (reached > known.position) record.push({ kind: 'record-position', seq: reached });
  const move = nextMove(known, seen);
  switch (move.kind) {
    case 'hands-off':
      return {
        state: { phase: 'diverged', known, seen, foreign: move.foreign },
        effects: [...record, { kind: 'report' }],
      };
    case 'nothing':
      return { state: { phase: 'in-step', known, seen }, effects: [...record, { kind: 'report' }] };
    case 'held':
      return { state: { phase: 'held', known, seen }, effects: [...record, { kind: 'report' }] };
    case 'job': {
      const { job } = move;
      if (done !== undefined && jobKey(done) === jobKey(job)) {
        return failure(known, seen, noEffect(job, seen), setback);
      }
      const state: NodeState = { phase: 'moving', known, seen, job, setback };
      return { state, effects: [...record, { kind: 'report' }, begin(known, job)] };
    }
  }
}

function onObserved(state: NodeState, seen: Observation): Advance {
  switch (state.phase) {
    case 'moving':
      return { state, effects: [] };
    case 'looking':
      return decide(state.known, seen, state.setback);
    case 'in-step':
    case 'held':
    case 'diverged': {
      const next = decide(state.known, seen, undefined);
      return sameSight(state.seen, seen) && next.state.phase === state.phase
        ? { state: next.state, effects: next.effects.filter((effect) => effect.kind !== 'report') }
        : next;
    }
    case 'failed': {
      // Before the retry is due only a change for the better or a foreign patch counts.
      const next = decide(state.known, seen, state.setback);
      if (next.state.phase !== 'moving') return next;
      const mayHelp = state.setback.problem.lasting === true && !sameSight(state.seen, seen);
      return mayHelp ? next : { state: { ...state, seen }, effects: [] };
    }
  }
}

const describeSight = ({
  patches,
  kernelConflicts = [],
  kept = [],
  obstacles = [],
  trouble,
  hold,
}: Observation): string =>
  JSON.stringify([
    patches.map(({ module, enabled, transition }) => [module, enabled, transition]),
    kernelConflicts,
    obstacles,
    trouble?.id,
    kept,
    hold,
  ]);

function sameSight(a: Observation | undefined, b: Observation): boolean {
  return a !== undefined && describeSight(a) === describeSight(b);
}

function onObservationFailed(state: NodeState, problem: Problem): Advance {
  switch (state.phase) {
    case 'moving':
    case 'failed':
      return { state, effects: [] };
    case 'looking':
      return failure(state.known, state.seen, problem, state.setback);
    case 'in-step':
    case 'held':
    case 'diverged':
      return failure(state.known, state.seen, problem, undefined);
  }
}

function onJobFinished(state: NodeState, outcome: JobOutcome, seen: Observation): Advance {
  if (state.phase !== 'moving') {
    throw new LockstepError('internal', 'unexpected-event', `A job finished while ${state.phase}.`, {
      phase: state.phase,
    });
  }
  if (outcome.ok) return decide(state.known, seen, undefined, state.job);
  // A foreign livepatch explains the failure better than its symptom does.
  const next = nextMove(state.known, seen);
  if (next.kind === 'hands-off') return decide(state.known, seen, undefined);
  return failure(state.known, seen, outcome.problem, state.setback);
}

function onRetryDue(state: NodeState): Advance {
  if (state.phase !== 'failed') return { state, effects: [] };
  return look(state.known, state.seen, state.setback);
}

function onLookDue(state: NodeState): Advance {
  const busy = state.phase === 'looking' || state.phase === 'moving';
  return { state, effects: busy ? [] : [{ kind: 'observe' }] };
}

/** Says why an offered log is not taken. */
export function explainExtensionRefusal(refusal: ExtensionRefusal): string {
  const { reason } = refusal;
  switch (reason) {
    case 'fork':
      return `Entry #${refusal.seq} of the offered log is not the one this node knows: the control plane was restored from an old state, or it is another one.`;
    case 'wrong-log':
      return `Entry #${refusal.seq} belongs to another cluster or kernel build.`;
    case 'gap':
      return `The offered log goes on at #${refusal.received}, but #${refusal.expected} comes next.`;
    case 'bad-hash':
      return `Entry #${refusal.seq} does not match its own hash.`;
    case 'bad-signature':
      return `Entry #${refusal.seq} is not signed by the control plane this node enrolled with, with the key of its place.`;
    case 'bad-key-proof':
      return `Entry #${refusal.seq} brings in a log key that its sender has not shown to have.`;
    case 'lowered-key':
      return `Entry #${refusal.seq} goes back to a log key that another has taken the place of.`;
    case 'broken-rule':
      return `Entry #${refusal.seq} breaks a rule of the load order: ${refusal.refusal.reason}.`;
  }
}

const loweredKey =
  'The load order that is offered ends in a log key that another has taken the place of, as this node knows: the control ' +
  'plane was restored from an old state (lockstep order recover), or somebody writes with a key that was given up.';

/** Whatever was refused or could not be recorded is offered again if it is still to be said. */
function onSessionOpened(state: NodeState): Advance {
  return {
    state: withKnown(state, { ...state.known, fork: undefined, unreadable: undefined, storage: undefined }),
    effects: [{ kind: 'report' }],
  };
}

function onLogOffered(state: NodeState, offered: readonly LogEntry[], checks: LogChecks): Advance {
  const { known } = state;
  // It goes on after a gap: that would look like a fork.
  if (known.unreadable !== undefined) return { state, effects: [{ kind: 'report' }] };
  const extension = extendLog(known.log, known.entries, offered, checks);
  if (extension.kind === 'refused') {
    const { refusal } = extension;
    const fork = { reason: refusal.reason, message: explainExtensionRefusal(refusal) };
    return { state: withKnown(state, { ...known, fork }), effects: [{ kind: 'report' }] };
  }
  if (extension.added > 0) {
    const entries = extension.entries.slice(known.entries.length);
    // Known from now on, even if the entries cannot be recorded: a key is never lowered.
    const withKey = { ...known, newestKey: newestKey(known.newestKey, extension.entries) };
    return { state: withKnown(state, withKey), effects: [{ kind: 'record-entries', entries }, { kind: 'report' }] };
  }
  // An empty offer says nothing about whose history it is.
  const healed = offered.length > 0 ? { ...known, fork: undefined } : known;
  return { state: withKnown(state, healed), effects: [{ kind: 'report' }] };
}

/** One that is good for no longer than the one before tells nothing, unless that one was dated ahead. */
function onHeadOffered(state: NodeState, head: SignedHead, nowMs: number, checks: LogChecks): Advance {
  const { known } = state;
  const headRefusal = refuseHead(known, head, checks, nowMs);
  const next = withKnown(state, { ...known, headRefusal });
  const { signedHead } = known;
  const before = signedHead !== undefined && !isDatedAhead(signedHead, nowMs) ? signedHead.expiresAtMs : 0;
  const isNews = headRefusal === undefined && head.expiresAtMs > before;
  return { state: next, effects: [...(isNews ? [{ kind: 'record-head' as const, head }] : []), { kind: 'report' }] };
}

function onEntriesRecorded(state: NodeState, added: readonly LogEntry[]): Advance {
  const entries = [...state.known.entries, ...added];
  return { state: withKnown(state, { ...state.known, entries, fork: undefined, storage: undefined }), effects: [] };
}

/** A history that has not come by the newest key is not gone along with: whoever has an old one could have written it. */
function onMoveRequested(state: NodeState, seq: Seq): Advance {
  const { target, entries, fork, newestKey: newest } = state.known;
  if (newest !== undefined && !keysOf(entries).includes(newest)) {
    const lowered = { reason: 'lowered-key', message: loweredKey };
    return { state: withKnown(state, { ...state.known, fork: lowered }), effects: [{ kind: 'report' }] };
  }
  // Stale, from a history that is not ours, or ahead of the log: the answer shows where this node stands.
  const refused = seq <= target || seq > entries.length || fork !== undefined;
  return { state, effects: refused ? [{ kind: 'report' }] : [{ kind: 'record-target', seq }] };
}

const onTargetRecorded = (state: NodeState, target: Seq): Advance =>
  startAfresh(state, { ...state.known, target, storage: undefined });

const onReleaseRecorded = (state: NodeState, released: readonly Quarantine[]): Advance => {
  const quarantines = mergeQuarantines(state.known.quarantines, released);
  return startAfresh(state, { ...state.known, quarantines, storage: undefined });
};

/** So many that were not seen yet are kept in mind. */
const mostUnseen = 16;

/**
 * Added to those that were named before: whoever says it again and again, or of ever other livepatches, fills no disk. What is
 * not there needs no repair.
 */
function onRepairRequested(state: NodeState, modules: readonly ModuleName[]): Advance {
  const { disowned } = state.known;
  const isThere = (module: ModuleName): boolean => state.seen?.patches.some((patch) => patch.module === module) ?? true;
  const news = [...new Set(modules)].filter((module) => !disowned.includes(module) && isThere(module));
  const room = state.seen === undefined ? Math.max(0, mostUnseen - disowned.length) : news.length;
  const next = [...disowned, ...news.slice(0, room)];
  return {
    state,
    effects: [next.length > disowned.length ? { kind: 'record-repair', modules: next } : { kind: 'report' }],
  };
}

function onRepairRecorded(state: NodeState, disowned: readonly ModuleName[]): Advance {
  const known: Known = { ...state.known, disowned, storage: undefined };
  return disowned.length > 0 ? startAfresh(state, known) : { state: withKnown(state, known), effects: [] };
}

/** Another goal than before starts afresh, from a fresh look. */
function startAfresh(state: NodeState, known: Known): Advance {
  switch (state.phase) {
    case 'in-step':
    case 'held':
    case 'diverged':
    case 'failed': {
      const next = look(known, state.seen, undefined);
      return { ...next, effects: [{ kind: 'report' }, ...next.effects] };
    }
    case 'moving':
    case 'looking':
      return { state: { ...state, known, setback: undefined }, effects: [{ kind: 'report' }] };
  }
}

function onPositionRecorded(state: NodeState, position: Seq): Advance {
  return { state: withKnown(state, { ...state.known, position, storage: undefined }), effects: [] };
}

/** A load that is not in the journal does not begin: a crash would be repeated at every boot. */
function onRecordingFailed(state: NodeState, storage: Problem): Advance {
  const known: Known = { ...state.known, storage };
  const waits = state.phase === 'moving' && begin(known, state.job).kind === 'record-load';
  const next = waits
    ? failure(known, state.seen, storage, state.setback)
    : { state: withKnown(state, known), effects: [{ kind: 'report' } as const] };
  return { state: next.state, effects: [...next.effects, { kind: 'reconnect' }] };
}

function onLoadRecorded(state: NodeState, load: BegunLoad): Advance {
  const loads = [...state.known.loads, load];
  const next = withKnown(state, { ...state.known, loads, storage: undefined });
  const runs = next.phase === 'moving' && next.job.kind === 'load' && next.job.entry.seq === load.seq;
  return { state: next, effects: runs ? [{ kind: 'run', job: next.job }] : [] };
}

function onReleaseRequested(state: NodeState, crashedBoot: string): Advance {
  const released = releasedBy(state.known, crashedBoot);
  return { state, effects: [released.length > 0 ? { kind: 'record-release', released } : { kind: 'report' }] };
}

/** Takes in that the host is up, then what `next` makes of what was seen. */
function watching(state: NodeState, seen: Observation, next: (state: NodeState) => Advance): Advance {
  const justEnded = state.phase === 'moving' && state.job.kind === 'load' ? state.job.entry.seq : undefined;
  const watched = watchLoads(state.known, seen, justEnded);
  const { state: after, effects } = next(withKnown(state, watched.known));
  return { state: after, effects: [...watched.effects, ...effects] };
}

/** What an event makes of the state, and what is to be done about it. Pure; `checks` verify offered logs. */
export function advance(state: NodeState, event: NodeEvent, checks: LogChecks): Advance {
  switch (event.kind) {
    case 'observed':
      if (state.phase === 'moving') return { state, effects: [] };
      return watching(state, event.seen, (now) => onObserved(now, event.seen));
    case 'observation-failed':
      return onObservationFailed(state, event.problem);
    case 'job-finished':
      return watching(state, event.seen, (now) => onJobFinished(now, event.outcome, event.seen));
    case 'look-due':
      return onLookDue(state);
    case 'retry-due':
      return onRetryDue(state);
    case 'session-opened':
      return onSessionOpened(state);
    case 'log-offered':
      return onLogOffered(state, event.entries, checks);
    case 'log-unreadable':
      return {
        state: withKnown(state, { ...state.known, unreadable: event.problem }),
        effects: [{ kind: 'report' }],
      };
    case 'head-offered':
      return onHeadOffered(state, event.head, event.nowMs, checks);
    case 'move-requested':
      return onMoveRequested(state, event.seq);
    case 'entries-recorded':
      return onEntriesRecorded(state, event.entries);
    case 'head-recorded':
      return {
        state: withKnown(state, { ...state.known, signedHead: event.head, storage: undefined }),
        effects: [],
      };
    case 'target-recorded':
      return onTargetRecorded(state, event.seq);
    case 'position-recorded':
      return onPositionRecorded(state, event.seq);
    case 'boot-recorded':
      return { state: withKnown(state, { ...state.known, storage: undefined }), effects: [] };
    case 'load-recorded':
      return onLoadRecorded(state, event.load);
    case 'stable-recorded':
      return { state: withKnown(state, { ...withStable(state.known, event.seqs), storage: undefined }), effects: [] };
    case 'release-requested':
      return onReleaseRequested(state, event.crashedBoot);
    case 'repair-requested':
      return onRepairRequested(state, event.modules);
    case 'release-recorded':
      return onReleaseRecorded(state, event.released);
    case 'repair-recorded':
      return onRepairRecorded(state, event.modules);
    case 'recording-failed':
      return onRecordingFailed(state, event.problem);
  }
}
