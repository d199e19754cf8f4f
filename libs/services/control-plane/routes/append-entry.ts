// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, parseSeq } from '@lockstep/domain/livepatch-model';
import { nodeStatusFromWire } from '@lockstep/contracts/wire';
import { insistAllRead, introducesKey, type EntryBody, type LogEntry, type LogName } from '@lockstep/domain/load-order';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Appending, KeptCall, NodeRecord } from '@lockstep/io/database';
import { traceOfEntry } from '../agents/known-logs';
import type { Uses } from '../services';

/** An entry that takes the place of one which was lost would part us from the nodes that hold that one, for good. */
export function insistNobodyAhead({ cluster, kernelBuild }: LogName, members: readonly NodeRecord[]): void {
  const ahead = members.filter(({ report }) => report !== null && nodeStatusFromWire(report.status) === 'ahead');
  if (ahead.length === 0) return;
  const nodes = ahead.map(({ name }) => name);
  const message =
    `${nodes.join(', ')} knows entries of this load order that were lost here: take them back first ` +
    `(lockstep order recover --cluster ${cluster} --kernel-build ${kernelBuild}), or give them up with the nodes ` +
    '(lockstep node remove).';
  throw new LockstepError('refused', 'members-ahead', message, { cluster, kernelBuild, nodes });
}

const introducesKeys = (entries: readonly LogEntry[]): boolean =>
  entries.length > 0 && entries.every(({ body }) => body.kind === 'rotate');

/** What appending needs. */
export type Appender = 'traces' | 'nodes' | 'logs' | 'db.loadOrders' | 'authority' | 'sessions' | 'replica' | 'log';

/**
 * Appends, signed, and hands the entry to every connected node of the load order.
 * @throws LockstepError `refused` `members-ahead`, `members-cannot-read`, `seq-taken`, and the rules of the load order.
 */
export async function appendEntry(
  services: Uses<Appender>,
  log: LogName,
  body: (entries: readonly LogEntry[]) => EntryBody,
  expectedSeq: number,
  call: KeptCall<LogEntry> | undefined,
): Promise<LogEntry> {
  const { db, nodes, authority, traces, log: logger } = services;
  const members = nodes.list(log.cluster).filter(({ kernelBuild }) => kernelBuild === log.kernelBuild);
  insistNobodyAhead(log, members);
  const appending: Appending = {
    body: (entries) => {
      const next = body(entries);
      // A log that begins does so with the keys of its cluster.
      if (introducesKeys(entries)) insistAllRead(introducesKey, members);
      insistAllRead(next, members);
      return next;
    },
    hash: sha256OfBytes,
    sign: authority.logKeys.sign,
    expectedSeq: expectedSeq === 0 ? undefined : parseSeq(expectedSeq),
    call,
  };
  try {
    const entry = await db.loadOrders.append(log, appending);
    // Before anybody is told.
    traces.note(traceOfEntry(entry));
    logger.info({ ...log, seq: entry.seq, kind: entry.body.kind, hash: entry.hash }, 'appended');
    return entry;
  } finally {
    // Also where the answer was lost.
    tellOfEntries(services, log);
  }
}

/** There may be more of this load order: for nodes that are connected, here and with other control planes. */
export function tellOfEntries(
  { logs, sessions, replica, log: logger }: Uses<'logs' | 'sessions' | 'replica' | 'log'>,
  log: LogName,
): void {
  logs.noteGrowth(log);
  replica.announce({ kind: 'log', ...log });
  sessions.wakeAll(log).catch((err: unknown) => {
    logger.error({ err, ...log }, 'could not tell nodes of an entry');
  });
}
