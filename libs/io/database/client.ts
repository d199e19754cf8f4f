// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { Prisma, PrismaClient } from './generated/client';

export type Client = PrismaClient;
export type Transaction = Prisma.TransactionClient;

/** One process needs few: every transaction is short. */
const poolSize = 10;
const connectTimeoutMs = 10_000;

export function createClient(url: string): Client {
  const adapter = new PrismaPg(
    { connectionString: url, max: poolSize, connectionTimeoutMillis: connectTimeoutMs },
    // A server that goes away is met again at the next query.
    { onPoolError: () => undefined, onConnectionError: () => undefined },
  );
  return new PrismaClient({ adapter });
}

/** All that an error says, its causes included: what Prisma wraps keeps the server's words somewhere inside. */
function wordsOf(error: unknown, depth = 0): string {
  if (typeof error !== 'object' || error === null || depth > 4) return String(error);
  const { code, message, meta, cause, originalCode } = error as Record<string, unknown>;
  const own = [code, originalCode, message, meta === undefined ? '' : JSON.stringify(meta)];
  return `${own.join(' ')} ${cause === undefined ? '' : wordsOf(cause, depth + 1)}`;
}

/** Two transactions met: repeat one. It can arrive without a `code`. */
export function isConflict(error: unknown): boolean {
  return /P2034|40001|40P01|could not serialize|deadlock detected|write conflict|TransactionWriteConflict/i.test(
    wordsOf(error),
  );
}

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}

const connectionLost =
  /P1001|P1002|P1008|P1017|P2024|P2028|ECONNREFUSED|ECONNRESET|EPIPE|57P01|57P03|08006|08001|connection (?:terminated|timeout)|terminating connection|server closed|DatabaseNotReachable|SocketTimeout|ConnectionClosed|timeout exceeded when trying to connect/i;

/** A database that cannot be reached as `unavailable`; any other error as it is. */
export function explainDatabaseError(error: unknown): unknown {
  if (error instanceof LockstepError || !connectionLost.test(wordsOf(error))) return error;
  return new LockstepError(
    'unavailable',
    'database-unavailable',
    'The control plane cannot reach its database now: try again in a moment.',
    {},
    { cause: error },
  );
}

/** Enough for some twenty callers at once, of whom one succeeds each time. */
const maxAttempts = 30;
const transactionTimeoutMs = 15_000;

/** Runs `work` as one serialisable transaction, again from its start when another one got in its way. */
export async function serialisable<T>(client: Client, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await client.$transaction(work, {
        isolationLevel: Prisma.TransactionIsolationLevel.Serializable,
        maxWait: connectTimeoutMs,
        timeout: transactionTimeoutMs,
      });
    } catch (error) {
      if (attempt === maxAttempts || !isConflict(error)) throw error;
      // Spread, so that two that met do not meet again.
      await sleep(Math.random() * Math.min(200, 5 * 2 ** attempt));
    }
  }
}
