// SPDX-License-Identifier: GPL-2.0-only

/** An error and what it was made of, as the drivers of our servers nest them. */
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

/** SQLSTATE, the system's word, a library's own: whatever the error and its causes carry as a code. */
export function errorCodes(error: unknown): ReadonlySet<unknown> {
  return new Set([...withCauses(error)].flatMap(({ code, originalCode, kind }) => [code, originalCode, kind]));
}

const codesOfLostConnections = new Set<unknown>([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
  // PostgreSQL stops, crashed, or starts; it has no place for another session.
  ...['57P01', '57P02', '57P03', '57P05', '53300'],
  // It hung in the middle of a transaction.
  '25P03',
]);

/** pg and its pool (8.23), and ioredis, give these no code. */
const wordsOfLostConnections = new Set([
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Connection is closed.',
  'Connection terminated',
  'Connection terminated due to connection timeout',
  'Connection terminated unexpectedly',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
]);

const isLostCode = (code: unknown): boolean =>
  codesOfLostConnections.has(code) || (typeof code === 'string' && /^08[0-9A-Z]{3}$/.test(code));

/** A server could not be asked, or went away before it answered: whether it did what it was asked is not known. */
export function isConnectionLost(error: unknown): boolean {
  if ([...errorCodes(error)].some(isLostCode)) return true;
  return [...withCauses(error)].some(({ message }) => wordsOfLostConnections.has(String(message)));
}
