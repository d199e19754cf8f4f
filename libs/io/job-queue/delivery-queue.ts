// SPDX-License-Identifier: GPL-2.0-only
import { DelayedError, Queue, Worker, type IQueueBackend, type Job as QueueEntry } from 'bullmq';
import { accessTo, assertReachable, queueUnavailable, type QueueServer } from './backend';

/** An event that an endpoint is to be told. What is sent is looked up when it is: the queue holds no secret. */
export interface Delivery {
  readonly webhook: string;
  readonly event: number;
}

/**
 * - `ended`: it was taken, or nobody wants it any more;
 * - `failed`: to be tried again, after longer each time;
 * - otherwise it was not tried, and comes again after so many ms.
 */
export type DeliveryResult = 'ended' | 'failed' | { readonly againAfterMs: number };

export interface DeliveryQueueOptions {
  readonly server: QueueServer;
  readonly deliver: (delivery: Delivery) => Promise<DeliveryResult>;
  /** After the first try that failed; doubled each time. */
  readonly firstRetryMs: number;
  readonly onError: (error: Error) => void;
}

/** Deliveries that are tried until they are taken, or given up after about two days. */
export interface DeliveryQueue {
  /** Those that are there already stay as they are. */
  add(deliveries: readonly Delivery[]): Promise<void>;
  /** Whether it has neither ended nor been given up. */
  isWaiting(delivery: Delivery): Promise<boolean>;
  /** Waits for those at hand. */
  close(): Promise<void>;
}

const queueName = 'lockstep-webhooks';
/** With five seconds at first the last try comes after two days. */
const attempts = 16;
const jitter = 0.25;
export const deliveriesAtOnce = 32;
const keepFailed = { age: 7 * 24 * 3600, count: 1000 };

const idOf = ({ webhook, event }: Delivery): string => `${webhook}.${event}`;

type DeliveryEntries = Queue<Delivery, undefined, string, Delivery, undefined, string, IQueueBackend>;

async function runOne(
  deliver: DeliveryQueueOptions['deliver'],
  entry: QueueEntry<Delivery>,
  token: string | undefined,
): Promise<void> {
  const result = await deliver(entry.data);
  if (result === 'ended') return;
  if (result === 'failed') throw new Error('It was not taken.');
  await entry.moveToDelayed(Date.now() + result.againAfterMs, token);
  throw new DelayedError();
}

/** Opens both ends, in this process. @throws LockstepError `unavailable` `queue-unavailable`. */
export async function openDeliveryQueue(options: DeliveryQueueOptions): Promise<DeliveryQueue> {
  const { server, deliver, firstRetryMs, onError } = options;
  await assertReachable(server);
  const { connection, factory } = accessTo(server, 'asks');
  const defaultJobOptions = {
    attempts,
    backoff: { type: 'exponential', delay: firstRetryMs, jitter },
    removeOnComplete: true,
    removeOnFail: keepFailed,
  };
  // As everywhere here: BullMQ's types tie a queue to the server that it is kept in.
  const queue = new Queue(queueName, { connection, defaultJobOptions }, factory) as unknown as DeliveryEntries;
  const worker = new Worker<Delivery>(
    queueName,
    (entry, token) => runOne(deliver, entry, token),
    // One that was killed with it at hand tells it again: that is no fault of the endpoint.
    { connection, concurrency: deliveriesAtOnce, maxStalledCount: attempts, drainDelay: 2 },
    factory as never,
  );
  queue.on('error', onError);
  worker.on('error', onError);
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]).catch((cause: unknown) => {
    for (const closing of [worker.close(true), queue.disconnect()]) closing.catch(onError);
    throw queueUnavailable(server, cause);
  });
  return {
    async add(deliveries) {
      const entries = deliveries.map((data) => ({
        name: 'deliver',
        data,
        opts: { jobId: idOf(data) },
      }));
      if (entries.length > 0) await queue.addBulk(entries);
    },
    async isWaiting(delivery) {
      // One that has ended is removed.
      const entry = await queue.getJob(idOf(delivery));
      return entry !== undefined && !(await entry.isFailed());
    },
    async close() {
      await worker.close();
      await queue.close();
    },
  };
}
