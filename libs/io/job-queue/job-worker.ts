// SPDX-License-Identifier: GPL-2.0-only
import { hostname } from 'node:os';
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
}

export interface JobWorker {
  /** Takes no more jobs, aborts those at hand and hands them back. */
  close(): Promise<void>;
}

const defaultLockMs = 15_000;
/** A worker killed in the middle of a job: it is taken again, once. A job that kills its worker must not go round. */
const maxStalledCount = 1;

/** The working end: takes jobs until it is closed. @throws LockstepError `queue-unavailable`. */
export async function startJobWorker(options: JobWorkerOptions): Promise<JobWorker> {
  const { server, lane = 'work', handler, concurrency, onError, lockMs = defaultLockMs } = options;
  const name = queueNames[lane];
  await assertReachable(server);
  const { connection, factory } = accessTo(server);
  const abort = new AbortController();
  const queue = new Queue(name, { connection, defaultJobOptions: jobDefaults }, factory) as unknown as WorkQueue;
  queue.on('error', onError);
  const parts = { queue, handler, workerName: `${hostname()}:${process.pid}`, closing: abort.signal };
  const worker = new Worker<QueuedJob, Returned, string>(
    name,
    (entry, token) => runEntry(parts, entry, token ?? ''),
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
  await Promise.all([worker.waitUntilReady(), queue.waitUntilReady()]).catch((cause: unknown) => {
    void Promise.allSettled([worker.close(true), queue.disconnect()]);
    throw queueUnavailable(server, cause);
  });
  return {
    close: async () => {
      abort.abort();
      await worker.close();
      await queue.close();
    },
  };
}
