// SPDX-License-Identifier: GPL-2.0-only
import {
  createPostgresBackend,
  createRedisBackend,
  SchemaMigrationRequiredError,
  type BackendFactory,
  type ConnectionOptions,
} from 'bullmq';
import { Redis } from 'ioredis';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { repeatingWhenCut } from './repeat-when-cut';

/** Where the jobs are kept. PostgreSQL needs no further server; Redis is for many jobs and workers. */
export type QueueServer =
  { readonly kind: 'postgres'; readonly url: string } | { readonly kind: 'redis'; readonly url: string };

/** The part of a PostgreSQL database that is the queue's. */
export const queueSchema = 'bullmq';

/** Redis if one is named, otherwise the database. */
export function chooseQueueServer(
  databaseUrl: string | undefined,
  redisUrl: string | undefined,
): QueueServer | undefined {
  if (redisUrl !== undefined) return { kind: 'redis', url: redisUrl };
  return databaseUrl === undefined ? undefined : { kind: 'postgres', url: databaseUrl };
}

/** Two queues: what somebody waits for, and what is done beside it. Work of one never waits for a place in the other. */
export type Lane = 'work' | 'background';

export const queueNames: Readonly<Record<Lane, string>> = {
  work: 'lockstep-work',
  background: 'lockstep-background',
};

/** A worker that went away is no attempt; this is for errors that may pass, such as a full disk. */
const attempts = 3;
const firstRetryAfterMs = 1000;
/**
 * Ended jobs stay, with the diffs that they carry, until the control plane has recorded how they ended: so long that one
 * that was away still learns it, and no more of them than any server has room for. One that is gone is done again.
 */
const keepEnded = { age: 7 * 24 * 3600, count: 200 };

export const jobDefaults = {
  attempts,
  backoff: { type: 'exponential', delay: firstRetryAfterMs },
  removeOnComplete: keepEnded,
  removeOnFail: keepEnded,
} as const;

/** Connections for queries; each worker and listener holds one more to wait on. */
const poolSize = 4;
/** Made again every few seconds they would cost more than what is asked by them, as with the database's (`database/client`). */
const keptIdleMs = 300_000;

interface QueueAccess {
  readonly connection: ConnectionOptions;
  readonly factory: BackendFactory;
}

/** Whoever asks makes the queue's tables and brings them up to date; whoever works on jobs has no right to. */
type Party = 'asks' | 'works';

/** What BullMQ's classes take to work on that server. Everything above this function is the same for both. */
export function accessTo(server: QueueServer, party: Party): QueueAccess {
  switch (server.kind) {
    case 'postgres': {
      const migrate = party === 'asks';
      const pool = { max: poolSize, idleTimeoutMillis: keptIdleMs };
      const connection = { connectionString: server.url, schema: queueSchema, migrate, ...pool };
      // BullMQ's types tie a connection to its factory; here the two always come together.
      return { connection, factory: repeatingWhenCut(createPostgresBackend as unknown as BackendFactory) };
    }
    case 'redis':
      // A worker waits for its server as long as it takes.
      return {
        connection: { url: server.url, maxRetriesPerRequest: null },
        factory: repeatingWhenCut(createRedisBackend),
      };
  }
}

/** Of PostgreSQL: no such schema, no such table. */
const missingCodes: ReadonlySet<unknown> = new Set(['3F000', '42P01']);

export function queueUnavailable({ kind }: QueueServer, cause?: unknown): LockstepError {
  if (
    cause instanceof SchemaMigrationRequiredError ||
    missingCodes.has((cause as { code?: unknown } | undefined)?.code)
  ) {
    const message = 'The database has no job queue yet: the control plane makes it when it starts. Start that first.';
    return new LockstepError('unavailable', 'queue-not-made', message, { server: kind }, { cause });
  }
  const message = `The job queue on ${kind} does not answer: check that the server runs and its URL.`;
  return new LockstepError('unavailable', 'queue-unavailable', message, { server: kind }, { cause });
}

/**
 * One try to reach Redis, before anything that would try for ever is made; PostgreSQL's own clients give up by themselves.
 * @throws LockstepError `queue-unavailable`.
 */
export async function assertReachable(server: QueueServer): Promise<void> {
  if (server.kind !== 'redis') return;
  const client = new Redis(server.url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
  } catch (cause) {
    throw queueUnavailable(server, cause);
  } finally {
    client.disconnect();
  }
}
