// SPDX-License-Identifier: GPL-2.0-only
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { insistAllRead, type EntryBody, type LogEntry, type LogName } from '@lockstep/domain/load-order';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Services } from '../services';

/**
 * Appends, signed, and hands the entry to every connected node of the load order.
 * @throws LockstepError `refused` `members-cannot-read`, `seq-taken`, and the rules of the load order.
 */
export async function appendEntry(
  { db, authority, sessions, log: logger }: Services,
  log: LogName,
  body: (entries: readonly LogEntry[]) => EntryBody,
  expectedSeq: number,
): Promise<LogEntry> {
  const members = (await db.nodes.list(log.cluster)).filter(({ kernelBuild }) => kernelBuild === log.kernelBuild);
  const entry = await db.loadOrders.append(log, {
    body: (entries) => {
      const next = body(entries);
      insistAllRead(next, members);
      return next;
    },
    hash: sha256OfBytes,
    sign: (hash) => authority.logSigner.sign(hash),
    expectedSeq: expectedSeq === 0 ? undefined : parseSeq(expectedSeq),
  });
  logger.info({ ...log, seq: entry.seq, kind: entry.body.kind, hash: entry.hash }, 'appended');
  sessions.wakeAll(log);
  return entry;
}
