// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { BuildLogRow, BuildRecord, Database, RegistrationRecord, WorkFailure } from '@lockstep/io/database';
import type { Job, JobFailure, JobPriority, JobQueue, JobState, QueueLook } from '@lockstep/io/job-queue';
import type { TraceMemory } from '@lockstep/platform/tracing';
import type { Logger } from 'pino';
import type { ChangeNotifier } from '../change-notifier';
import type { BuildMetrics } from '../monitoring/build-metrics';
import { buildInputs } from './build-inputs';
import { checkBuildResult, checkRegistrationResult } from './check-result';
import { Reconciler } from '../reconciler';

/** The queue's word of a change may be lost; this is how late it can then be noticed. */
const reconcileEveryMs = 3_000;
/** Of an ended build's log, read at once. */
const linesAtOnce = 20_000;

export interface WorkTrackerParts {
  readonly db: Pick<Database, 'builds' | 'registrations' | 'kernelBuilds' | 'kernelCopies' | 'patches'>;
  readonly queue: JobQueue;
  readonly artifacts: ArtifactStore;
  readonly changes: ChangeNotifier;
  readonly metrics: BuildMetrics;
  readonly traces: TraceMemory;
  readonly log: Logger;
}

/** One piece of work, whichever: what it asks for, and what to write when the queue says how it stands. */
interface Tracked {
  readonly job: () => Promise<Job>;
  readonly priority: JobPriority;
  readonly unchanged: (state: JobState) => boolean;
  readonly progress: (state: Extract<JobState, { state: 'waiting' | 'active' }>) => Promise<void>;
  readonly succeed: (state: Extract<JobState, { state: 'completed' }>) => Promise<void>;
  readonly fail: (state: Extract<JobState, { state: 'completed' | 'failed' }>, failure: WorkFailure) => Promise<void>;
  readonly notify: () => void;
}

export const buildJobId = ({ id, generation }: Pick<BuildRecord, 'id' | 'generation'>): string =>
  `build.${id}.${generation}`;
export const registrationJobId = ({ id }: Pick<RegistrationRecord, 'id'>): string => `kernel.${id}`;

const cancelFailure: JobFailure = {
  reason: 'build-cancelled',
  message: 'It was cancelled.',
  retryable: true,
};

function failureFrom(error: LockstepError): WorkFailure {
  return { reason: error.reason, message: error.message, retryable: true };
}

/** Nothing to write: the same step of the same attempt. */
function sameStep(work: BuildRecord | RegistrationRecord, state: JobState): boolean {
  if (state.state === 'waiting') return state.attempts === work.attempts;
  if (state.state !== 'active' || work.status !== 'running' || state.attempts !== work.attempts) return false;
  const { stage, done, total } = state.progress ?? work.progress;
  return stage === work.progress.stage && done === work.progress.done && total === work.progress.total;
}

/**
 * Keeps the database and the queue at one: what is unfinished there has a job here, what has ended here is recorded
 * there. Both ways can be cut at any moment; each step can be repeated, and at start everything is looked at again.
 */
export class WorkTracker {
  private readonly reconciler = new Reconciler((jobId) => this.settle(jobId));
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** Jobs that the queue may hold with a priority which is not the build's any more. */
  private readonly unranked = new Set<string>();

  constructor(private readonly parts: WorkTrackerParts) {}

  async start(): Promise<void> {
    // One that was made more urgent while the queue was away is not forgotten over a restart of ours.
    for (const build of await this.parts.db.builds.unfinished()) this.unranked.add(buildJobId(build));
    await this.reconcileAll();
    this.timer = setInterval(() => {
      this.reconcileAll().catch(this.logBug);
    }, reconcileEveryMs);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.reconciler.idle();
  }

  /** Brings one job and its record together now. Never throws: what fails is tried again with all others. */
  async reconcile(jobId: string): Promise<void> {
    if (!this.stopped) await this.reconciler.request(jobId);
  }

  /** Of the queue that all this is in. @throws LockstepError `unavailable` `queue-unavailable`. */
  look(): Promise<QueueLook> {
    return this.parts.queue.look();
  }

  /** The same for callers that do not wait for it: what they recorded is done as soon as the queue can be reached. */
  request(jobId: string): void {
    this.reconcile(jobId).catch(this.logBug);
  }

  /** Of a build that may be in the queue already, and be more urgent now, or less. */
  requestWithPriority(build: BuildRecord): void {
    this.unranked.add(buildJobId(build));
    this.parts.traces.note(buildJobId(build));
    this.request(buildJobId(build));
  }

  /** The queue said something about a job: how it stands, or a line of its log. */
  async onQueueEvent(jobId: string): Promise<void> {
    const [kind, id = ''] = jobId.split('.');
    await this.reconcile(jobId);
    if (kind === 'build') this.parts.changes.notify(`build:${id}`);
  }

  /** Ends a build wherever it is: waiting, at work, or in parts at several workers. */
  async cancel(build: BuildRecord): Promise<void> {
    const { db, queue, changes, metrics } = this.parts;
    const jobId = buildJobId(build);
    // The mark first: should we be killed now, the job ends as cancelled all the same.
    await queue.stop(jobId, cancelFailure);
    await db.builds.keepLog(build, await queue.log(jobId, 0));
    await db.builds.cancel(build);
    await queue.remove(jobId);
    metrics.forget(jobId);
    changes.notify(`build:${build.id}`);
  }

  /** What the workers said about a build so far, from line `from` on, in pieces; of one that runs what there is now. */
  async *log(build: BuildRecord, from: number): AsyncGenerator<BuildLogRow[], undefined> {
    if (build.endedAt === null) {
      yield await this.parts.queue.log(buildJobId(build), from);
      return undefined;
    }
    for (let next = from; ; next += linesAtOnce) {
      const lines = await this.parts.db.builds.log(build.id, next, linesAtOnce);
      yield lines;
      if (lines.length < linesAtOnce) return undefined;
    }
  }

  private readonly logBug = (err: unknown): void => {
    this.parts.log.error({ err }, 'could not reconcile work');
  };

  private async reconcileAll(): Promise<void> {
    try {
      const { builds, registrations } = this.parts.db;
      const unfinished = await builds.unfinished();
      this.parts.metrics.noteUnfinished(unfinished);
      const jobs = [...unfinished.map(buildJobId), ...(await registrations.unfinished()).map(registrationJobId)];
      await Promise.all(jobs.map((jobId) => this.reconcile(jobId)));
    } catch (err) {
      this.parts.log.warn({ err }, 'cannot reconcile unfinished work now');
    }
  }

  private async settle(jobId: string): Promise<void> {
    // Before the record is read: a priority that is changed after that marks it again.
    const isUnranked = this.unranked.delete(jobId);
    try {
      const tracked = await this.find(jobId);
      if (tracked === undefined) return;
      await this.bringTogether(jobId, tracked);
      if (isUnranked) await this.parts.queue.setPriority(jobId, tracked.priority);
    } catch (err) {
      if (isUnranked) this.unranked.add(jobId);
      this.parts.log.warn({ err, jobId }, 'cannot follow a job now');
    }
  }

  private async bringTogether(jobId: string, tracked: Tracked): Promise<void> {
    const state = await this.parts.queue.state(jobId);
    switch (state.state) {
      case 'absent':
        // Another control plane may have recorded its end, and removed it, since the record was read.
        if ((await this.find(jobId)) === undefined) return;
        await this.parts.queue.add(jobId, await tracked.job(), tracked.priority, this.parts.traces.find(jobId));
        return;
      case 'waiting':
      case 'active':
        if (tracked.unchanged(state)) return;
        await tracked.progress(state);
        break;
      case 'completed':
        await this.accept(tracked, state);
        await this.forget(jobId);
        break;
      case 'failed':
        await tracked.fail(state, state.failure);
        await this.forget(jobId);
        break;
    }
    tracked.notify();
  }

  /** How it ended is recorded: the queue need not keep the diffs that it carries. What stays is bounded by the queue. */
  private async forget(jobId: string): Promise<void> {
    await this.parts.queue.remove(jobId).catch((err: unknown) => {
      this.parts.log.info({ err, jobId }, 'an ended job stays in the queue for now');
    });
  }

  /** A result that does not hold is the build's failure; a database that is away is not. */
  private async accept(tracked: Tracked, state: Extract<JobState, { state: 'completed' }>): Promise<void> {
    try {
      await tracked.succeed(state);
    } catch (error) {
      const isFinding = error instanceof LockstepError && error.kind !== 'unavailable';
      if (!isFinding) throw error;
      await tracked.fail(state, failureFrom(error));
    }
  }

  /** The unfinished work that a job is for. */
  private async find(jobId: string): Promise<Tracked | undefined> {
    const [kind, id = '', generation] = jobId.split('.');
    if (kind === 'build') {
      const build = await this.parts.db.builds.find(id);
      const isCurrent = build !== null && build.endedAt === null && String(build.generation) === generation;
      return isCurrent ? this.trackBuild(build) : undefined;
    }
    const registration = kind === 'kernel' ? await this.parts.db.registrations.get(id) : null;
    return registration !== null && registration.endedAt === null ? this.trackRegistration(registration) : undefined;
  }

  private trackBuild(build: BuildRecord): Tracked {
    const { db, queue, artifacts, changes, metrics } = this.parts;
    const jobId = buildJobId(build);
    const keepLog = async (): Promise<void> => {
      await db.builds.keepLog(build, await queue.log(jobId, 0));
    };
    return {
      job: async () => {
        const copy = await db.kernelCopies.find(build.kernelBuild);
        return { kind: 'build', ...(await buildInputs(db, build)), kernelCopy: copy?.sha256 };
      },
      priority: build.priority,
      unchanged: (state) => sameStep(build, state),
      progress: async (state) => {
        if (state.state === 'active') metrics.noteTaken(jobId, state.times);
        await db.builds.progress(build, state.attempts, 'progress' in state ? state.progress : undefined);
      },
      succeed: async ({ attempts, result, times }) => {
        const replace = (await db.patches.require(build.patch)).combines.length > 0;
        const { release } = await db.kernelBuilds.require(build.kernelBuild);
        const checked = await checkBuildResult(build, result, artifacts, { replace, release });
        await keepLog();
        await db.builds.succeed(build, attempts, checked);
        metrics.noteEnded(jobId, 'succeeded', times);
      },
      fail: async ({ attempts, times }, failure) => {
        await keepLog();
        const isCancelled = failure.reason === cancelFailure.reason;
        if (isCancelled) await db.builds.cancel(build);
        else await db.builds.fail(build, attempts, failure);
        metrics.noteEnded(jobId, isCancelled ? 'cancelled' : 'failed', times);
      },
      notify: () => {
        changes.notify(`build:${build.id}`);
      },
    };
  }

  private trackRegistration(registration: RegistrationRecord): Tracked {
    const { db, changes } = this.parts;
    const { id, path, stock } = registration;
    return {
      job: () => Promise.resolve({ kind: 'register-kernel', path, stock }),
      priority: 'high',
      unchanged: (state) => sameStep(registration, state),
      progress: ({ attempts, ...state }) =>
        db.registrations.progress(id, attempts, 'progress' in state ? state.progress : undefined),
      succeed: ({ attempts, result }) => db.registrations.succeed(id, attempts, checkRegistrationResult(id, result)),
      fail: ({ attempts }, failure) => db.registrations.fail(id, attempts, failure),
      notify: () => {
        changes.notify(`registration:${id}`);
      },
    };
  }
}
