// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { Pool } from 'pg';
import { connectionTo, connectTimeoutMs } from './connection';
import { isConflict, isUniqueViolation } from './database-errors';
import { Prisma, PrismaClient } from './generated/client';
import { timingStatements, type OnStatement } from './timed-adapter';

export type Client = PrismaClient;
export type Transaction = Prisma.TransactionClient;

/** One process needs few: every transaction is short. */
const poolSize = 10;
/**
 * What looks every few seconds asks several things at once. A connection that is closed meanwhile is made again each time, and a
 * password (SCRAM) costs each side some milliseconds: more than all that is asked by it.
 */
const keptIdleMs = 300_000;
/** A connection that broke without a word is given up after this: longer than any statement takes, or waits for a lock. */
const answerWithinMs = 30_000;

/** Whoever opens it ends it. */
export function openPool(url: string): Pool {
  const pool = new Pool({
    ...connectionTo(url),
    max: poolSize,
    idleTimeoutMillis: keptIdleMs,
    query_timeout: answerWithinMs,
  });
  // A server that goes away is met again at the next query.
  pool.on('error', () => undefined);
  return pool;
}

/** Its connections are the pool's, which outlives it. */
export function createClient(pool: Pool, onStatement: OnStatement = () => undefined): Client {
  const adapter = new PrismaPg(pool, { onPoolError: () => undefined, onConnectionError: () => undefined });
  // Prettier errors show the caller's code: for each of them the whole program is read and split into lines.
  return new PrismaClient({ adapter: timingStatements(adapter, onStatement), errorFormat: 'minimal' });
}

const transactionTimeoutMs = 15_000;

/** Of every transaction. */
export const transactionLimits = { maxWait: connectTimeoutMs, timeout: transactionTimeoutMs } as const;

/** Callers wait for 15 s; whoever met others all this time is told so, and nothing was written. */
const contendForMs = 10_000;
const longestPauseMs = 500;
/**
 * Of two transactions that looked for a key, found none and made its row, PostgreSQL tells one that they met, or, where
 * the planner looked by another index than the key's, that the key is there. Begun again it finds the row; one that does
 * not look is told so each time.
 */
const violationsTried = 3;

/** Spread over the whole time, so that those that met do not meet again. */
const pauseMs = (attempt: number): number => Math.random() * Math.min(longestPauseMs, 5 * 2 ** attempt);

function contended(attempts: number, cause: unknown): LockstepError {
  const message = 'Too many changes met in the database at once, and this one was not made: try again in a moment.';
  return new LockstepError('unavailable', 'database-contended', message, { attempts }, { cause });
}

/**
 * Runs `work` as one serialisable transaction, again from its start when another one got in its way. An error of the
 * database is for this function: once `work` has caught one, COMMIT is answered with ROLLBACK and Prisma says it is done.
 * @throws LockstepError `unavailable` `database-contended` when others did so for `withinMs`.
 */
export async function serialisable<T>(
  client: Client,
  work: (tx: Transaction) => Promise<T>,
  withinMs = contendForMs,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  let violations = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await client.$transaction(work, {
        isolationLevel: Prisma.TransactionIsolationLevel.Serializable,
        ...transactionLimits,
      });
    } catch (error) {
      if (isUniqueViolation(error)) violations += 1;
      else if (!isConflict(error)) throw error;
      if (violations === violationsTried) throw error;
      const waitMs = pauseMs(attempt);
      if (performance.now() + waitMs > deadlineMs) throw contended(attempt, error);
      await sleep(waitMs);
    }
  }
}
