// SPDX-License-Identifier: GPL-2.0-only
import { DelayedError, UnrecoverableError, WaitingChildrenError, WaitingError } from 'bullmq';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { recordSpan, traced } from '@lockstep/platform/tracing';
import { failureOf, failureToText } from './failure-text';
import { addParts, PartFailed, partResults, type WorkQueue } from './job-parts';
import type { Job, JobFailure, JobOutcome, JobProgress, JobResult } from './jobs';
import { reporterOf, type Reporter } from './progress-reporter';
import { rootOf, type EndedPart, type Entry, type PartPlace, type Returned } from './queued-job';

export interface JobContext {
  /** Tells whoever waits how far it is; cheap, the last call within a moment counts. */
  readonly onProgress: (progress: JobProgress) => void;
  /** One line for whoever watches the job. */
  readonly log: (text: string) => void;
  /** Leave off: the worker is to stop, or the job was cancelled. */
  readonly signal: AbortSignal;
  /** What the parts came to that this job was divided into; undefined when it is taken undivided. */
  readonly parts: readonly JobResult[] | undefined;
}

export type JobHandler = (job: Job, context: JobContext) => Promise<JobOutcome>;

export interface WorkerParts {
  readonly queue: WorkQueue;
  readonly handler: JobHandler;
  readonly workerName: string;
  /** Aborts when the worker is to stop. */
  readonly closing: AbortSignal;
  /** It is to take no job now. */
  readonly isPaused: () => boolean;
}

/** How late a job at hand learns that it was cancelled. */
const stopPollMs = 300;
/** A worker that lacks the kernel build leaves the job to others this often, waiting longer each time; then it fails. */
const maxTimesElsewhere = 12;
const elsewhereDelayMs = (taken: number): number => Math.min(250 * 2 ** taken, 15_000);

/** Polls for the mark that ends the job which an entry belongs to. */
class StopPoll {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private found: JobFailure | undefined;

  constructor(
    private readonly queue: WorkQueue,
    private readonly rootId: string,
  ) {}

  /** As what the job is to end; undefined while it is to go on. */
  get stop(): JobFailure | undefined {
    return this.found;
  }

  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  async poll(): Promise<void> {
    const root = await this.queue.getJob(this.rootId);
    this.found ??= root?.data.stop;
    if (this.found !== undefined) this.stopping.abort();
  }

  startPolling(): void {
    // The queue may be away for a moment: the next poll tells.
    this.timer = setInterval(() => {
      this.poll().catch(() => undefined);
    }, stopPollMs);
  }

  end(): void {
    clearInterval(this.timer);
  }
}

/** Ends all that is at work or waiting for the job that `place` is a part of. */
async function stopSiblings({ queue }: WorkerParts, place: PartPlace, stop: JobFailure): Promise<void> {
  const root = await queue.getJob(place.root);
  if (root?.data.stop === undefined) await root?.updateData({ ...root.data, stop });
}

async function work(worker: WorkerParts, entry: Entry, token: string, reporter: Reporter, signal: AbortSignal) {
  const run = (parts: readonly JobResult[] | undefined): Promise<JobOutcome> => {
    const { onProgress, log } = reporter;
    // It may have been stopped while the parts were read; whoever waits for the event would wait for ever.
    signal.throwIfAborted();
    return worker.handler(entry.data.job, { onProgress, log, signal, parts });
  };
  const outcome = await run(await partResults(entry));
  if (outcome.kind !== 'parts') return outcome;
  await addParts(worker.queue, entry, outcome.parts);
  await reporter.end();
  if (await entry.moveToWaitingChildren(token)) throw new WaitingChildrenError();
  const joined = await run(await partResults(entry));
  if (joined.kind !== 'parts') return joined;
  throw new LockstepError('internal', 'endless-parts', 'The job was divided again although all its parts were done.');
}

async function handBack(entry: Entry, token: string): Promise<never> {
  await entry.moveToWait(token);
  throw new WaitingError();
}

/** A worker that throws it lacks the kernel build and cannot get it: another one may have it. */
export const lacksKernelReason = 'kernel-not-registered';
/** It has done the job the first time: it waits for another worker, however long that takes to come. */
export const needsAnotherWorkerReason = 'needs-another-worker';
/** Two workers' builds of one patch differ. */
export const notReproducedReason = 'not-reproduced';

async function leaveToOthers(entry: Entry, token: string, reporter: Reporter, why: string): Promise<never> {
  // Whoever waits is told once, and not as often as it is looked for.
  if (entry.attemptsStarted <= maxTimesElsewhere) reporter.log(`left to another worker: ${why}`);
  await reporter.end();
  await entry.moveToDelayed(Date.now() + elsewhereDelayMs(entry.attemptsStarted), token);
  throw new DelayedError();
}

function isForOthers({ reason }: LockstepError, { attemptsStarted }: Entry): boolean {
  if (reason === needsAnotherWorkerReason) return true;
  return reason === lacksKernelReason && attemptsStarted <= maxTimesElsewhere;
}

const isLastAttempt = (entry: Entry): boolean => entry.attemptsMade + 1 >= (entry.opts.attempts ?? 1);

/** How a failed entry ends for the queue: tried again, failed for good, or, a part, as a result that says so. */
async function endFailed(worker: WorkerParts, entry: Entry, failure: JobFailure): Promise<EndedPart> {
  if (failure.retryable && !isLastAttempt(entry)) throw new Error(failureToText(failure));
  const { part } = entry.data;
  if (part === undefined) throw new UnrecoverableError(failureToText(failure));
  await stopSiblings(worker, part, failure);
  return { place: part, outcome: { kind: 'failed', failure } };
}

const isQueueWord = (error: unknown): boolean =>
  error instanceof WaitingChildrenError || error instanceof WaitingError || error instanceof DelayedError;

/** Does one entry of the queue, a job or a part of one, until it has ended or is left to others. */
export async function runEntry(worker: WorkerParts, entry: Entry, token: string): Promise<Returned> {
  // A worker that waited for its next job when it was told to stop may still be given one.
  const isClosing = (): boolean => worker.closing.aborted;
  if (isClosing() || worker.isPaused()) return handBack(entry, token);
  const { part } = entry.data;
  const reporter = reporterOf(worker.queue, entry, worker.workerName);
  const stopPoll = new StopPoll(worker.queue, rootOf(entry.id ?? ''));
  try {
    await stopPoll.poll();
    stopPoll.startPolling();
    const signal = AbortSignal.any([worker.closing, stopPoll.signal]);
    const { job, trace: parent } = entry.data;
    recordSpan(`wait for a worker: ${job.kind}`, entry.timestamp, { parent });
    const attributes = { 'lockstep.worker': worker.workerName };
    const result = await traced(job.kind, { parent, attributes }, () => work(worker, entry, token, reporter, signal));
    return part === undefined ? result : { place: part, outcome: { kind: 'done', result } };
  } catch (error) {
    if (isQueueWord(error)) throw error;
    if (stopPoll.stop !== undefined) {
      if (part === undefined) throw new UnrecoverableError(failureToText(stopPoll.stop));
      return { place: part, outcome: { kind: 'stopped' } };
    }
    if (error instanceof PartFailed) throw new UnrecoverableError(failureToText(error.failure));
    if (isClosing()) return await handBack(entry, token);
    if (error instanceof LockstepError && isForOthers(error, entry)) {
      return await leaveToOthers(entry, token, reporter, error.message);
    }
    return await endFailed(worker, entry, failureOf(error));
  } finally {
    stopPoll.end();
    await reporter.end();
  }
}
