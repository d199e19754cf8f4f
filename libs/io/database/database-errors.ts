// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { Prisma } from './generated/client';

/** An error of Prisma's or pg's, and what it was made of: pg's own, or the adapter's account of it. */
function* withCauses(error: unknown): Generator<Readonly<Record<string, unknown>>> {
  const open = [error];
  for (let seen = 0; seen < 16; seen += 1) {
    const next = open.shift();
    if (typeof next !== 'object' || next === null) continue;
    const { cause, meta, driverAdapterError } = next as Record<string, unknown>;
    open.push(cause, meta, driverAdapterError);
    yield next as Record<string, unknown>;
  }
}

/** SQLSTATE, the system's word, Prisma's number, or the adapter's kind: whichever the error and its causes carry. */
function codesOf(error: unknown): Set<unknown> {
  return new Set([...withCauses(error)].flatMap(({ code, originalCode, kind }) => [code, originalCode, kind]));
}

/** pg and its pool give these no code (8.23). */
const wordsOfLostConnections = new Set([
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
]);

const codesOfLostConnections = new Set<unknown>([
  // The server stops, crashed, or starts; it has no place for another session.
  ...['57P01', '57P02', '57P03', '57P05', '53300'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
  // Prisma: not reachable, timed out, closed; no connection, or no transaction, in time.
  ...['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028'],
  ...['DatabaseNotReachable', 'SocketTimeout', 'ConnectionClosed', 'TooManyConnections'],
]);

const isLostCode = (code: unknown): boolean =>
  codesOfLostConnections.has(code) || (typeof code === 'string' && /^08[0-9A-Z]{3}$/.test(code));

/** The database could not be asked, or went away before it answered. */
export function isConnectionLost(error: unknown): boolean {
  if ([...codesOf(error)].some(isLostCode)) return true;
  return [...withCauses(error)].some(({ message }) => wordsOfLostConnections.has(String(message)));
}

/** Two transactions met: repeat one. */
export function isConflict(error: unknown): boolean {
  const codes = codesOf(error);
  return ['40001', '40P01', 'P2034', 'TransactionWriteConflict'].some((code) => codes.has(code));
}

/** Somebody held a lock for longer than we wait for one. */
export function isLockTimeout(error: unknown): boolean {
  return codesOf(error).has('55P03');
}

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}

/** What a caller can do something about, in words: all of it passes. Any other error as it is. */
export function explainDatabaseError(error: unknown): unknown {
  if (error instanceof LockstepError) return error;
  if (isConnectionLost(error)) {
    const message = 'The control plane cannot reach its database now: try again in a moment.';
    return new LockstepError('unavailable', 'database-unavailable', message, {}, { cause: error });
  }
  if (isLockTimeout(error)) {
    const message = 'Somebody holds a lock in the database, a maintenance job perhaps: try again in a moment.';
    return new LockstepError('unavailable', 'database-busy', message, {}, { cause: error });
  }
  return error;
}
