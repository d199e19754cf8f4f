// SPDX-License-Identifier: GPL-2.0-only
import { UnrecoverableError, Worker, type Job as QueuedJob } from 'bullmq';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { accessTo, assertReachable, queueName, queueUnavailable, type QueueServer } from './backend';
import { failureOf, failureToText } from './failure-text';
import type { Job, JobProgress, JobResult } from './jobs';

export interface JobContext {
  /** Tells whoever waits how far it is; cheap, the last call within a moment counts. */
  readonly onProgress: (progress: JobProgress) => void;
  /** The worker is to stop: leave the job to another one. */
  readonly signal: AbortSignal;
}

export type JobHandler = (job: Job, context: JobContext) => Promise<JobResult>;

export interface JobWorkerOptions {
  readonly server: QueueServer;
  readonly handler: JobHandler;
  /** Jobs at once. */
  readonly concurrency: number;
  readonly onError: (error: Error) => void;
  /** How long a worker that says nothing keeps its job; a build may keep the event loop busy for some seconds. */
  readonly lockMs?: number;
}

export interface JobWorker {
  /** Takes no more jobs, aborts those at hand and hands them back. */
  close(): Promise<void>;
}

const defaultLockMs = 15_000;
/** A worker killed in the middle of a job: it is taken again, once. A job that kills its worker must not go round. */
const maxStalledCount = 1;
const progressIntervalMs = 200;

/** Sends the newest progress, one at a time, not more often than the interval. */
function progressReporter(entry: QueuedJob<Job, JobResult>): {
  report: (progress: JobProgress) => void;
  end: () => Promise<void>;
} {
  let newest: JobProgress | undefined;
  let sending: Promise<void> | undefined;
  const send = async (): Promise<void> => {
    while (newest !== undefined) {
      const progress = newest;
      newest = undefined;
      // Progress is for people: a job does not fail because it could not be told.
      await entry.updateProgress(progress).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, progressIntervalMs));
    }
    sending = undefined;
  };
  return {
    report: (progress) => {
      newest = progress;
      sending ??= send();
    },
    end: async () => {
      newest = undefined;
      await sending;
    },
  };
}

async function run(entry: QueuedJob<Job, JobResult>, handler: JobHandler, signal: AbortSignal): Promise<JobResult> {
  const progress = progressReporter(entry);
  try {
    return await handler(entry.data, { onProgress: progress.report, signal });
  } catch (error) {
    const stopping = signal.aborted
      ? new LockstepError('cancelled', 'worker-stopped', 'The worker was stopped.')
      : error;
    const failure = failureOf(stopping);
    const Kind = failure.retryable ? Error : UnrecoverableError;
    throw new Kind(failureToText(failure));
  } finally {
    void progress.end();
  }
}

/** The working end: takes jobs until it is closed. @throws LockstepError `queue-unavailable`. */
export async function startJobWorker(options: JobWorkerOptions): Promise<JobWorker> {
  const { server, handler, concurrency, onError, lockMs = defaultLockMs } = options;
  await assertReachable(server);
  const { connection, factory } = accessTo(server);
  const abort = new AbortController();
  const worker = new Worker<Job, JobResult, string>(
    queueName,
    (entry) => run(entry, handler, abort.signal),
    {
      connection,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: Math.ceil(lockMs / 2),
      maxStalledCount,
      // How long an idle worker waits at once: a wake-up that was lost costs no more than this.
      drainDelay: 2,
    },
    factory as never,
  );
  worker.on('error', onError);
  await worker.waitUntilReady().catch((cause: unknown) => {
    void worker.close(true).catch(() => undefined);
    throw queueUnavailable(server, cause);
  });
  return {
    close: async () => {
      abort.abort();
      await worker.close();
    },
  };
}
