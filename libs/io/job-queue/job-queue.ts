// SPDX-License-Identifier: GPL-2.0-only
import type { TraceParent } from '@lockstep/platform/tracing';
import { Queue, QueueEvents, type IQueueBackend } from 'bullmq';
import {
  accessTo,
  assertReachable,
  jobDefaults,
  queueNames,
  queueUnavailable,
  type Lane,
  type QueueServer,
} from './backend';
import { failureFromText } from './failure-text';
import type { WorkQueue } from './job-parts';
import type { Job, JobFailure, JobLogLine, JobPriority, JobProgress, JobResult, JobState, JobTimes } from './jobs';
import { progressOfParts } from './parts-progress';
import { lineFromText } from './progress-reporter';
import { priorityNumber, rootOf, type Entry } from './queued-job';

/** The asking end: jobs by ids of the caller's choosing. */
export interface JobQueue {
  /** Queues the job; one that is there under this id already stays as it is. */
  add(id: string, job: Job, priority?: JobPriority, trace?: TraceParent): Promise<void>;
  state(id: string): Promise<JobState>;
  /** What the workers said about it, from line `from` (0 for the first) on. */
  log(id: string, from: number): Promise<JobLogLine[]>;
  /** Changes when a job that still waits is taken. */
  setPriority(id: string, priority: JobPriority): Promise<void>;
  /** Marks the job: whoever works on it or on a part of it leaves off within a moment, and it ends as `failure`. */
  stop(id: string, failure: JobFailure): Promise<void>;
  /** Forgets a job that nobody works on, its parts with it. */
  remove(id: string): Promise<void>;
  /** How much there is to do, and who is there to do it. */
  look(): Promise<QueueLook>;
  close(): Promise<void>;
}

export interface QueueLook {
  readonly waiting: number;
  readonly active: number;
  /** host:pid of each worker that is connected, by name. */
  readonly workers: readonly string[];
}

export interface JobQueueOptions {
  readonly server: QueueServer;
  /** `work` if undefined. */
  readonly lane?: Lane;
  /** Something changed about this job: ask for its state. A hint: a few of a hundred are lost in ordinary work, more when a connection breaks. */
  readonly onChange: (id: string) => void;
  readonly onError: (error: Error) => void;
  /** Is told how long the server took for each call, answered or not. */
  readonly onCall?: ((tookMs: number) => void) | undefined;
}

const answerWithinMs = 10_000;

/** That the server is there is known by then: it may have its tables to make, on a machine that starts much else. */
const openWithinMs = 60_000;

async function withinTime<T>(server: QueueServer, work: Promise<T>, limitMs = answerWithinMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(queueUnavailable(server));
    }, limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** By the clocks of whoever added and took it. */
const timesOf = ({ timestamp, processedOn, finishedOn }: Entry): JobTimes => ({
  queuedAtMs: timestamp,
  takenAtMs: processedOn,
  endedAtMs: finishedOn,
});

async function stateOf(queue: WorkQueue, state: string, entry: Entry): Promise<JobState> {
  const taken = entry.attemptsStarted;
  const times = timesOf(entry);
  switch (state) {
    case 'completed':
      return { state: 'completed', attempts: taken, times, result: entry.returnvalue as JobResult };
    case 'failed':
      return { state: 'failed', attempts: taken, times, failure: failureFromText(entry.failedReason) };
    case 'active': {
      const progress = typeof entry.progress === 'object' ? (entry.progress as JobProgress) : undefined;
      return { state: 'active', attempts: taken, times, progress };
    }
    case 'waiting-children':
      return { state: 'active', attempts: taken, times, progress: await progressOfParts(queue, entry) };
    default:
      return { state: 'waiting', attempts: taken };
  }
}

/** Those of which no worker has anything at hand. */
const waitingStates = ['waiting', 'prioritized', 'delayed'] as const;

/** A worker's connection is called after the queue and itself. */
const workerNameOf = ({ rawname }: Readonly<Record<string, string>>): string =>
  rawname?.split(':w:')[1] ?? 'without a name';

/** Everything the asking end does to one queue, whatever it is kept in. */
function operationsOn(queue: WorkQueue): Omit<JobQueue, 'close'> {
  return {
    add: async (id, job, priority = 'normal', trace) => {
      await queue.add(job.kind, { job, ...(trace && { trace }) }, { jobId: id, priority: priorityNumber(priority) });
    },
    state: async (id) => {
      // The state first: what the entry says afterwards is at least as new.
      const state = await queue.getJobState(id);
      const entry = state === 'unknown' ? undefined : await queue.getJob(id);
      return entry === undefined ? { state: 'absent' } : stateOf(queue, state, entry);
    },
    log: async (id, from) => (await queue.getJobLogs(id, from)).logs.map(lineFromText),
    setPriority: async (id, priority) => {
      const entry = await queue.getJob(id);
      // One that was taken meanwhile has no place among the waiting any more.
      await entry?.changePriority({ priority: priorityNumber(priority) }).catch(() => undefined);
    },
    stop: async (id, failure) => {
      const entry = await queue.getJob(id);
      await entry?.updateData({ ...entry.data, stop: failure });
    },
    remove: async (id) => {
      await queue.remove(id, { removeChildren: true });
    },
    look: async () => {
      const [counts, workers] = await Promise.all([queue.getJobCounts(...waitingStates, 'active'), queue.getWorkers()]);
      return {
        waiting: waitingStates.reduce((sum, state) => sum + (counts[state] ?? 0), 0),
        active: counts['active'] ?? 0,
        workers: workers.map(workerNameOf).sort(),
      };
    },
  };
}

function listen(events: QueueEvents<unknown, IQueueBackend>, onChange: (id: string) => void): void {
  const changed = ({ jobId }: { jobId: string }): void => {
    onChange(rootOf(jobId));
  };
  events.on('active', changed);
  events.on('waiting-children', changed);
  events.on('progress', changed);
  events.on('completed', changed);
  events.on('failed', changed);
  events.on('stalled', changed);
}

/** @throws LockstepError `unavailable` `queue-unavailable` when the server does not answer. */
export async function openJobQueue(options: JobQueueOptions): Promise<JobQueue> {
  const { server, lane = 'work', onChange, onError, onCall } = options;
  await assertReachable(server);
  const { connection, factory } = accessTo(server, 'asks');
  const name = queueNames[lane];
  const queue = new Queue(name, { connection, defaultJobOptions: jobDefaults }, factory) as unknown as WorkQueue;
  const events = new QueueEvents(name, { connection }, factory);
  queue.on('error', onError);
  events.on('error', onError);
  listen(events, onChange);
  try {
    await withinTime(server, Promise.all([queue.waitUntilReady(), events.waitUntilReady()]), openWithinMs);
  } catch (cause) {
    // Not waited for: they may hang on the very server that does not answer.
    for (const closing of [events.disconnect(), queue.disconnect()]) closing.catch(onError);
    throw queueUnavailable(server, cause);
  }
  const operations = operationsOn(queue);
  const ask = async <T>(work: Promise<T>): Promise<T> => {
    const begun = performance.now();
    try {
      return await withinTime(server, work);
    } finally {
      onCall?.(performance.now() - begun);
    }
  };
  return {
    add: (...args) => ask(operations.add(...args)),
    state: (...args) => ask(operations.state(...args)),
    log: (...args) => ask(operations.log(...args)),
    setPriority: (...args) => ask(operations.setPriority(...args)),
    stop: (...args) => ask(operations.stop(...args)),
    remove: (...args) => ask(operations.remove(...args)),
    look: (...args) => ask(operations.look(...args)),
    close: async () => {
      await Promise.all([events.close(), queue.close()]);
    },
  };
}
