// SPDX-License-Identifier: GPL-2.0-only
import { hostname } from 'node:os';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { Queue, Worker } from 'bullmq';
import {
  accessTo,
  assertReachable,
  jobDefaults,
  queueNames,
  queueUnavailable,
  type Lane,
  type QueueServer,
} from './backend';
import { ClockWatch } from './clock-watch';
import type { WorkQueue } from './job-parts';
import type { QueuedJob, Returned } from './queued-job';
import { runEntry, type JobHandler } from './running-job';

export interface JobWorkerOptions {
  readonly server: QueueServer;
  /** `work` if undefined. */
  readonly lane?: Lane;
  readonly handler: JobHandler;
  /** Jobs at once. */
  readonly concurrency: number;
  readonly onError: (error: Error) => void;
  /** How long a worker that says nothing keeps its job; a build may keep the event loop busy for some seconds. */
  readonly lockMs?: number;
  /** This machine's time of day, in ms; and how often it is compared with the server's. */
  readonly now?: () => number;
  readonly compareClocksEveryMs?: number;
}

export interface JobWorker {
  /** Takes no more jobs, aborts those at hand and hands them back. */
  close(): Promise<void>;
}

const defaultLockMs = 15_000;
const retryEveryMs = 1_000;
/** A worker killed in the middle of a job: it is taken again, once. A job that kills its worker must not go round. */
const maxStalledCount = 1;

/** A worker whose clock is off ends what it has at hand, and takes nothing more. */
function pauseOrResume(worker: Worker, wrong: LockstepError | undefined, onError: (error: Error) => void): void {
  if (wrong !== undefined) {
    onError(wrong);
    if (!worker.isPaused()) worker.pause(true).catch(onError);
  } else if (worker.isPaused()) {
    worker.resume().catch(onError);
  }
}

/**
 * The working end: takes jobs until it is closed; none while this machine's clock is off.
 * @throws LockstepError `queue-unavailable`, `queue-not-made`, `clock-off`.
 */
export async function startJobWorker(options: JobWorkerOptions): Promise<JobWorker> {
  const { server, lane = 'work', handler, concurrency, onError, lockMs = defaultLockMs } = options;
  const name = queueNames[lane];
  await assertReachable(server);
  const { connection, factory } = accessTo(server, 'works');
  const clock = new ClockWatch({
    ...{ server, lockMs, onError, now: options.now ?? Date.now, askEveryMs: options.compareClocksEveryMs },
    onVerdict: (wrong) => {
      pauseOrResume(worker, wrong, onError);
    },
  });
  await clock.start().catch((error: unknown) => {
    throw error instanceof LockstepError ? error : queueUnavailable(server, error);
  });
  const abort = new AbortController();
  const queue = new Queue(name, { connection, defaultJobOptions: jobDefaults }, factory) as unknown as WorkQueue;
  queue.on('error', onError);
  const workerName = `${hostname()}:${process.pid}`;
  const parts = {
    queue,
    handler,
    workerName,
    closing: abort.signal,
    isPaused: (): boolean => worker.isPaused(),
  };
  const worker: Worker<QueuedJob, Returned> = new Worker(
    name,
    (entry, token) => runEntry(parts, entry, token ?? ''),
    {
      connection,
      // So that who asks can see who is there.
      name: workerName,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: Math.ceil(lockMs / 2),
      maxStalledCount,
      // A server that is back is told at once; by default it would take as long as the lock lasts, and the job go twice.
      runRetryDelay: retryEveryMs,
      // How long an idle worker waits at once: a wake-up that was lost costs no more than this.
      drainDelay: 2,
    },
    factory as never,
  );
  worker.on('error', onError);
  await Promise.all([worker.waitUntilReady(), queue.waitUntilReady()]).catch((cause: unknown) => {
    clock.stop();
    // Not waited for: they may hang on the very server that does not answer.
    for (const closing of [worker.close(true), queue.disconnect()]) closing.catch(onError);
    throw queueUnavailable(server, cause);
  });
  return {
    close: async () => {
      clock.stop();
      abort.abort();
      await worker.close();
      await queue.close();
    },
  };
}
