// SPDX-License-Identifier: GPL-2.0-only
import { parseSeq } from '@lockstep/domain/livepatch-model';
import type { EntryBody, LogEntry, LogName } from '@lockstep/domain/load-order';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Services } from '../services';

/** Appends, signed, and hands the entry to every connected node of the load order. */
export async function appendEntry(
  { db, authority, sessions, log: logger }: Services,
  log: LogName,
  body: (entries: readonly LogEntry[]) => EntryBody,
  expectedSeq: number,
): Promise<LogEntry> {
  const entry = await db.loadOrders.append(log, {
    body,
    hash: sha256OfBytes,
    sign: (hash) => authority.logSigner.sign(hash),
    expectedSeq: expectedSeq === 0 ? undefined : parseSeq(expectedSeq),
  });
  logger.info({ ...log, seq: entry.seq, kind: entry.body.kind, hash: entry.hash }, 'appended');
  sessions.wakeAll(log);
  return entry;
}
