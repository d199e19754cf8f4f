// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { errorCodes, isConnectionLost } from '@lockstep/platform/runtime';

/** Prisma: not reachable, timed out, closed; no connection, or no transaction, in time. */
const prismaLost = [
  ...['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028'],
  ...['DatabaseNotReachable', 'SocketTimeout', 'ConnectionClosed', 'TooManyConnections'],
];

/** A row that was there a statement ago is not, or one is there that was not: Prisma's words for it, and PostgreSQL's. */
const rowsMoved = ['P2025', 'P2003', 'P2002', '23503', '23505', '40001', '40P01', 'P2034'];

/** A character that no text column, or no jsonb, holds: NUL, or half a surrogate pair. */
const notStorable = ['22021', '22P05'];

const hasCode = (error: unknown, ...codes: string[]): boolean => {
  const present = errorCodes(error);
  return codes.some((code) => present.has(code));
};

/** Two transactions met: repeat one. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, '40001', '40P01', 'P2034', 'TransactionWriteConflict');
}

/** Somebody held a lock for longer than we wait for one. */
export function isLockTimeout(error: unknown): boolean {
  return hasCode(error, '55P03');
}

export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, 'P2002', '23505');
}

/** What a caller can do something about, in words. Any other error as it is. */
export function explainDatabaseError(error: unknown): unknown {
  if (error instanceof LockstepError) return error;
  if (isConnectionLost(error) || hasCode(error, ...prismaLost)) {
    const message = 'The control plane cannot reach its database now: try again in a moment.';
    return new LockstepError('unavailable', 'database-unavailable', message, {}, { cause: error });
  }
  if (isLockTimeout(error)) {
    const message = 'Somebody holds a lock in the database, a maintenance job perhaps: try again in a moment.';
    return new LockstepError('unavailable', 'database-busy', message, {}, { cause: error });
  }
  if (hasCode(error, ...rowsMoved)) {
    const message = 'What this works on was changed or removed meanwhile: look at it again, and ask again if need be.';
    return new LockstepError('unavailable', 'changed-meanwhile', message, {}, { cause: error });
  }
  if (hasCode(error, ...notStorable)) {
    const message = 'A text holds a character that cannot be kept, NUL for one: leave it out.';
    return new LockstepError('invalid-input', 'text-not-storable', message, {}, { cause: error });
  }
  return error;
}

/** The database could not do it now: the same may work in a moment, as it is. */
export function isDatabaseAway(error: unknown): boolean {
  const explained = explainDatabaseError(error);
  return explained instanceof LockstepError && explained.reason.startsWith('database-');
}
