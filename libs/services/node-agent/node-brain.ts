// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentJournal } from '@lockstep/io/agent-journal';
import {
  currentKey,
  hasExpired,
  heardUntilMs,
  stackAt,
  type LogChecks,
  type LogEntry,
  type LogKey,
} from '@lockstep/domain/load-order';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import {
  advance,
  modulesAhead,
  startNode,
  viewOf,
  type BootFacts,
  type ControlWord,
  type Job,
  type NodeEffect,
  type NodeEvent,
  type NodeState,
  type NodeView,
  type Transition,
} from '@lockstep/domain/node-state';
import { traced } from '@lockstep/platform/tracing';
import { FetchAhead } from './fetch-ahead';
import { observeMachine, runJob, type Machine } from './job-runner';
import type { Log } from './logger';
import type { NodeMind } from './node-mind';
import type { NodeTraces } from './node-traces';
import { problemFrom } from './problem';
import { timeOfDayMs } from './time-of-day';

export interface BrainOptions {
  readonly journal: AgentJournal;
  readonly boot: BootFacts;
  readonly checks: LogChecks;
  readonly machine: Machine;
  readonly log: Log;
  /** Somebody may have changed the kernel: how often to look. */
  readonly lookEveryMs: number;
  /** The view may have changed. */
  readonly onReport: (view: NodeView) => void;
  /** The newest log key of whichever kernel's load order, so that none goes back to an older one. */
  readonly keepLogKey: (key: LogKey) => Promise<void>;
  /** What the control plane said could not be recorded: let it say it again. */
  readonly onReconnect: () => void;
  /** A bug; the process should end, and start again from the journal. */
  readonly onFatal: (error: unknown) => void;
  readonly traces: NodeTraces;
  /** As `FetchAhead` has it. */
  readonly pickFetchMoment?: ((windowMs: number) => number) | undefined;
}

/** Between looks at a transition while a job waits for it: soon at first, seldom once it is clear that it takes long. */
const firstWatchMs = 1_000;
const lastWatchMs = 10_000;

/**
 * Carries out what `domain/node-state` decides. Events are taken one at a time, records are on disk before the next
 * event; jobs and looks run one after another in a lane of their own, so that nothing waits for the kernel.
 */
export class NodeBrain implements NodeMind {
  private state: NodeState;
  private events: Promise<void> = Promise.resolve();
  private lane: Promise<void> = Promise.resolve();
  private retryTimer: NodeJS.Timeout | undefined;
  private lookTimer: NodeJS.Timeout | undefined;
  private readonly ahead: FetchAhead;
  private looking = false;
  private stopped = false;
  private lastLogged = '';
  private headIsOverdue = false;
  /** The transition that the job at hand waits for. */
  private underWay: Transition | undefined;

  constructor(private readonly options: BrainOptions) {
    this.state = startNode(options.journal.recorded, options.boot).state;
    const { machine, log, pickFetchMoment: pick } = options;
    this.ahead = new FetchAhead({
      wanted: async () => modulesAhead(this.state.known, await machine.artifacts.list()),
      fetch: (artifact, signal) => machine.artifacts.receive(artifact, machine.fetch(artifact.sha256, signal)),
      ...{ log, pick },
    });
  }

  get entries(): readonly LogEntry[] {
    return this.state.known.entries;
  }

  get view(): NodeView {
    const view = viewOf(this.state);
    const { underWay } = this;
    // A new try that has met nobody yet does not undo who was in the way of the one before.
    const tells = underWay !== undefined && (underWay.blockers.length > 0 || view.problem?.transition === undefined);
    return tells ? { ...view, lastTransition: underWay } : view;
  }

  start(): void {
    const { effects } = startNode(this.options.journal.recorded, this.options.boot);
    this.enqueue(() => this.perform(effects)).catch(this.options.onFatal);
    this.lookTimer = setInterval(() => {
      // A slow kernel is not asked again before it has answered.
      if (!this.looking) this.post({ kind: 'look-due' });
      this.watchHead();
    }, this.options.lookEveryMs);
  }

  tell(word: ControlWord): Promise<void> {
    // Against which clock a head is looked at is not the control plane's to say.
    const event: NodeEvent = word.kind === 'head-offered' ? { ...word, nowMs: timeOfDayMs() } : word;
    return this.enqueue(async () => {
      await this.take(event);
      if (word.kind === 'log-offered') this.ahead.expect(word.fetchWithinMs);
      // What could not be fetched through the session before.
      else if (word.kind === 'session-opened') this.ahead.expect(undefined);
    });
  }

  /** For those who do not wait until it has been taken in. */
  private post(event: NodeEvent): void {
    this.enqueue(() => this.take(event)).catch(this.options.onFatal);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.lookTimer);
    await this.events;
    clearTimeout(this.retryTimer);
    await this.ahead.stop();
    await this.lane;
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    this.events = this.events.then(async () => {
      if (this.stopped) return;
      await work().catch(this.options.onFatal);
    });
    return this.events;
  }

  private async take(event: NodeEvent): Promise<void> {
    const { state, effects } = advance(this.state, event, this.options.checks);
    this.state = state;
    await this.perform(effects);
  }

  private async perform(effects: readonly NodeEffect[]): Promise<void> {
    for (const effect of effects) await this.performOne(effect);
  }

  private async performOne(effect: NodeEffect): Promise<void> {
    const { journal } = this.options;
    switch (effect.kind) {
      case 'record-entries':
        await this.record(this.recordEntries(effect.entries), { kind: 'entries-recorded', entries: effect.entries });
        return;
      case 'record-head':
        // An alarm alone lives by it: a disk that takes nothing more must not cost the node its stream.
        await journal.recordHead(effect.head).catch((error: unknown) => {
          this.options.log('warn', 'cannot keep where the load order ends', { problem: problemFrom(error).message });
        });
        await this.take({ kind: 'head-recorded', head: effect.head });
        return;
      case 'record-target':
        await this.record(journal.recordTarget(effect.seq), { kind: 'target-recorded', seq: effect.seq });
        return;
      case 'record-position':
        await this.record(journal.recordPosition(effect.seq), { kind: 'position-recorded', seq: effect.seq });
        return;
      case 'record-boot':
        await this.record(journal.recordBoot(effect.bootId, effect.quarantines), { kind: 'boot-recorded' });
        return;
      case 'record-load': {
        const load = { seq: effect.seq, bootId: effect.bootId, atMs: timeOfDayMs(), stable: false };
        await this.record(journal.recordLoad(load), { kind: 'load-recorded', load });
        return;
      }
      case 'record-stable':
        await this.record(journal.recordStable(effect.seqs, effect.bootId), {
          kind: 'stable-recorded',
          seqs: effect.seqs,
        });
        return;
      case 'record-release':
        await this.record(journal.recordQuarantines(effect.released), {
          kind: 'release-recorded',
          released: effect.released,
        });
        return;
      case 'record-repair':
        await this.record(journal.recordRepair(effect.modules), { kind: 'repair-recorded', modules: effect.modules });
        return;
      case 'observe':
        this.inLane(() => this.look());
        return;
      case 'run':
        this.inLane(() => this.run(effect.job));
        return;
      case 'retry-later':
        clearTimeout(this.retryTimer);
        this.retryTimer = setTimeout(() => {
          this.post({ kind: 'retry-due' });
        }, effect.delayMs);
        return;
      case 'report':
        this.report();
        return;
      case 'reconnect':
        this.options.onReconnect();
        return;
    }
  }

  /** The key first: cut off in between, the node takes nothing more from the one before. */
  private async recordEntries(entries: readonly LogEntry[]): Promise<void> {
    // Not the one of these entries: the beginning of another kernel's log may end with an older one.
    const { newestKey } = this.state.known;
    if (currentKey(entries) !== undefined && newestKey !== undefined) await this.options.keepLogKey(newestKey);
    await this.options.journal.recordEntries(entries);
  }

  private async record(writing: Promise<void>, done: NodeEvent): Promise<void> {
    const failure = await writing.then(
      () => undefined,
      (error: unknown) => problemFrom(error),
    );
    await this.take(failure === undefined ? done : { kind: 'recording-failed', problem: failure });
  }

  private inLane(work: () => Promise<void>): void {
    this.lane = this.lane.then(async () => {
      if (!this.stopped) await work().catch(this.options.onFatal);
    });
  }

  private async look(): Promise<void> {
    this.looking = true;
    const event = await observeMachine(this.options.machine).then(
      (seen): NodeEvent => ({ kind: 'observed', seen }),
      (error: unknown): NodeEvent => ({ kind: 'observation-failed', problem: problemFrom(error) }),
    );
    this.looking = false;
    this.post(event);
  }

  private async run(job: Job): Promise<void> {
    const { machine, log, traces } = this.options;
    const what = describeJob(job);
    log('info', 'job started', what);
    const ended = new AbortController();
    const watching = this.watchTransitions(ended.signal);
    const seq = job.kind === 'load' ? job.entry.seq : undefined;
    const span = { ...traces.of(seq), attributes: attributesOf(what) };
    const problem = await traced(job.kind, span, () => this.runInItsTurn(job)).then(
      () => undefined,
      (error: unknown) => problemFrom(error),
    );
    ended.abort();
    await watching;
    this.underWay = undefined;
    const seen = await observeMachine(machine).catch(problemFrom);
    const before = this.state.seen ?? { patches: [], artifacts: new Set(), uptimeMs: 0 };
    const failure = problem ?? ('reason' in seen ? seen : undefined);
    if (failure === undefined) log('info', 'job done', what);
    else log('warn', 'job failed', { ...what, reason: failure.reason, problem: failure.message });
    this.post({
      kind: 'job-finished',
      outcome: failure === undefined ? { ok: true } : { ok: false, problem: failure },
      seen: 'reason' in seen ? before : seen,
    });
  }

  private async runInItsTurn(job: Job): Promise<void> {
    const { machine } = this.options;
    if (job.kind !== 'fetch') return runJob(job, machine);
    const { sha256 } = job.artifact;
    await this.ahead.givingWayTo(sha256, async () => {
      const isHere = (await machine.artifacts.list()).has(sha256);
      if (!isHere) await runJob(job, machine);
    });
  }

  /** One look after another, never two at once: on a host with many threads one may take long. */
  private async watchTransitions(ended: AbortSignal): Promise<void> {
    let delayMs = firstWatchMs;
    for (;;) {
      await sleep(delayMs, undefined, { signal: ended, ref: false }).catch(() => undefined);
      if (ended.aborted) return;
      await this.watchTransition(ended);
      delayMs = Math.min(lastWatchMs, delayMs * 2);
    }
  }

  /** Who holds a transition up is told while it goes on. */
  private async watchTransition(ended: AbortSignal): Promise<void> {
    const transition = await this.options.machine.kernel.lastTransition().catch(() => undefined);
    if (transition?.result !== 'pending' || ended.aborted) return;
    this.underWay = transition;
    this.report();
  }

  /** Nobody has said for a day where the log ends: what there is to load may be withheld. What is loaded stays. */
  private watchHead(): void {
    const { signedHead: head, followsSinceMs, headRefusal: refused } = this.state.known;
    const expiresAtMs = heardUntilMs(head, followsSinceMs);
    const isOverdue = expiresAtMs !== undefined && hasExpired({ expiresAtMs }, timeOfDayMs());
    if (isOverdue === this.headIsOverdue) return;
    this.headIsOverdue = isOverdue;
    const told = { seq: head?.seq, refused };
    if (!isOverdue) this.options.log('info', 'the load order is signed anew', told);
    else {
      const expiredAt = new Date(expiresAtMs).toISOString();
      this.options.log('error', 'no newer word of where the load order ends: it may be withheld', {
        ...told,
        expiredAt,
      });
    }
    this.report();
  }

  private report(): void {
    const { view } = this;
    const { status, position, target, headSeq, stack, problem } = view;
    const modules = stack.map((patch) => patch.module);
    const logged = JSON.stringify([status, position, target, headSeq, modules, problem]);
    if (logged !== this.lastLogged) {
      this.options.log(status === 'in-step' || status === 'moving' ? 'info' : 'warn', 'node state', {
        status,
        position,
        target,
        head: headSeq,
        stack: modules,
        ...(problem === undefined ? {} : { reason: problem.reason, problem: problem.message }),
      });
      this.lastLogged = logged;
    }
    if (status === 'in-step') this.inLane(() => this.sweep());
    this.options.onReport(view);
  }

  /** Modules that neither the position nor the head needs make room. */
  private async sweep(): Promise<void> {
    const { entries, target } = this.state.known;
    const needed = [target, parseSeq(entries.length)].flatMap((seq) => stackAt(entries, seq));
    const hashes = new Set(needed.map((entry) => entry.body.artifact.sha256));
    await this.options.machine.artifacts.keepOnly(hashes).catch(() => undefined);
  }
}

const attributesOf = (what: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(what).map(([key, value]) => [`lockstep.${key}`, String(value)]));

function describeJob(job: Job): Record<string, unknown> {
  switch (job.kind) {
    case 'fetch':
      return { job: job.kind, module: job.artifact.moduleName, sha256: job.artifact.sha256 };
    case 'load':
      return {
        job: job.kind,
        module: job.entry.body.artifact.moduleName,
        seq: job.entry.seq,
        mayShadow: job.mayShadow,
      };
    case 'unload':
    case 'settle':
      return { job: job.kind, module: job.module };
  }
}
