// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';

/** A session as the server lists it. */
export interface Session {
  readonly pid: number;
  readonly application: string;
  /** Null: over a local socket. */
  readonly address: string | null;
  readonly since: Date;
}

const lookAgainMs = 100;

/** Who holds the lock, if anybody still does. */
async function findHolder(client: Client, id: number): Promise<Session | undefined> {
  const { rows } = await client.query<Session>(
    `SELECT a.pid, COALESCE(a.application_name, '') AS application, host(a.client_addr) AS address, a.backend_start AS since
     FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (l.classid::bigint << 32) | l.objid::bigint = $1`,
    [id],
  );
  return rows[0];
}

/** Sessions that are in a transaction, the longest first: one of them holds the lock that a statement waited for. */
export async function sessionsInTransaction(client: Client): Promise<Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT pid, COALESCE(application_name, '') AS application, host(client_addr) AS address, xact_start AS since
     FROM pg_stat_activity
     WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
     ORDER BY xact_start`,
  );
  return rows;
}

export const describeSession = ({ pid, application, address, since }: Session): string =>
  `"${application}" from ${address ?? 'the same machine'} (server process ${pid}, since ${since.toISOString()})`;

/** What is known of the holder, for an error's fields. */
export const sessionFields = ({ pid, application, address }: Session): Record<string, string | number> => ({
  holder: application,
  holderPid: pid,
  ...(address === null ? {} : { holderAddress: address }),
});

/**
 * Takes the lock for this session; answers who has it if that is not done after `withinMs`. 0: one try.
 * @param isShared with all others that take it so
 */
export async function takeAdvisoryLock(
  client: Client,
  id: number,
  withinMs: number,
  isShared = false,
): Promise<Session | 'taken'> {
  const take = isShared ? 'pg_try_advisory_lock_shared' : 'pg_try_advisory_lock';
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>(`SELECT ${take}($1) AS held`, [id]);
    if (rows[0]?.held === true) return 'taken';
    // One that goes between the two questions is nobody to name.
    const holder = performance.now() < deadlineMs ? undefined : await findHolder(client, id);
    if (holder !== undefined) return holder;
    await sleep(lookAgainMs);
  }
}
