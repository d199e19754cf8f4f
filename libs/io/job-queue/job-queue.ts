// SPDX-License-Identifier: GPL-2.0-only
import { Queue, QueueEvents, type IQueueBackend, type Job as QueuedJob } from 'bullmq';
import { accessTo, assertReachable, queueName, queueUnavailable, type QueueServer } from './backend';
import { failureFromText } from './failure-text';
import type { Job, JobProgress, JobResult, JobState } from './jobs';

/** The asking end: jobs by ids of the caller's choosing. */
export interface JobQueue {
  /** Queues the job; one that is there under this id already stays as it is. */
  add(id: string, job: Job): Promise<void>;
  state(id: string): Promise<JobState>;
  /** Forgets a job that has ended. */
  remove(id: string): Promise<void>;
  close(): Promise<void>;
}

export interface JobQueueOptions {
  readonly server: QueueServer;
  /** Something changed about this job: ask for its state. A hint, it may be lost when a connection breaks. */
  readonly onChange: (id: string) => void;
  readonly onError: (error: Error) => void;
}

/** A worker that went away is no attempt; this is for errors that may pass, such as a full disk. */
const attempts = 3;
const firstRetryAfterMs = 1000;
/** Ended jobs stay for this long, so that a control plane that was away still learns their result. */
const keepEndedSeconds = 30 * 24 * 3600;
const answerWithinMs = 10_000;

type Entry = QueuedJob<Job, JobResult>;

async function withinTime<T>(server: QueueServer, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(queueUnavailable(server));
    }, answerWithinMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

function endedState(state: string, entry: Entry): JobState {
  const taken = entry.attemptsStarted;
  switch (state) {
    case 'completed':
      return { state: 'completed', attempts: taken, result: entry.returnvalue };
    case 'failed':
      return { state: 'failed', attempts: taken, failure: failureFromText(entry.failedReason) };
    case 'active': {
      const progress = typeof entry.progress === 'object' ? (entry.progress as JobProgress) : undefined;
      return { state: 'active', attempts: taken, progress };
    }
    default:
      return { state: 'waiting', attempts: taken };
  }
}

/** @throws LockstepError `unavailable` `queue-unavailable` when the server does not answer. */
export async function openJobQueue({ server, onChange, onError }: JobQueueOptions): Promise<JobQueue> {
  await assertReachable(server);
  const { connection, factory } = accessTo(server);
  const queue = new Queue<Job, JobResult, string, Job, JobResult, string, IQueueBackend>(
    queueName,
    {
      connection,
      defaultJobOptions: {
        attempts,
        backoff: { type: 'exponential', delay: firstRetryAfterMs },
        removeOnComplete: { age: keepEndedSeconds },
        removeOnFail: { age: keepEndedSeconds },
      },
    },
    factory,
  );
  const events = new QueueEvents(queueName, { connection }, factory);
  queue.on('error', onError);
  events.on('error', onError);
  const changed = ({ jobId }: { jobId: string }): void => {
    onChange(jobId);
  };
  events.on('active', changed);
  events.on('progress', changed);
  events.on('completed', changed);
  events.on('failed', changed);
  events.on('stalled', changed);
  try {
    await withinTime(server, Promise.all([queue.waitUntilReady(), events.waitUntilReady()]));
  } catch (cause) {
    void Promise.allSettled([events.disconnect(), queue.disconnect()]);
    throw queueUnavailable(server, cause);
  }
  return {
    add: async (id, job) => {
      await withinTime(server, queue.add(job.kind, job, { jobId: id }));
    },
    state: async (id) => {
      // The state first: what the entry says afterwards is at least as new.
      const state = await withinTime(server, queue.getJobState(id));
      const entry = state === 'unknown' ? undefined : await withinTime(server, queue.getJob(id));
      return entry === undefined ? { state: 'absent' } : endedState(state, entry);
    },
    remove: async (id) => {
      await withinTime(server, queue.remove(id));
    },
    close: async () => {
      await Promise.all([events.close(), queue.close()]);
    },
  };
}
