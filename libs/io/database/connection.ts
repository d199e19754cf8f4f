// SPDX-License-Identifier: GPL-2.0-only
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';

export const connectTimeoutMs = 10_000;
/** No statement waits for another session's lock for longer. */
const lockTimeoutMs = 10_000;

/** A process that hangs in the middle of a transaction holds its locks no longer: others wait for them. */
const idleInTransactionMs = 5_000;

/** How `pg_stat_activity` shows this process; PostgreSQL keeps 63 bytes of it. */
export const applicationName = `lockstep-control-plane ${hostname().slice(0, 20)}:${process.pid}`;

/** All connections of this process. */
export function connectionTo(url: string): ClientConfig {
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    keepAlive: true,
  };
}

/** A connection that is broken already may never answer its farewell. */
const farewellWithinMs = 2_000;

export async function endWithinTime(end: () => Promise<unknown>): Promise<void> {
  const late = sleep(farewellWithinMs, undefined, { ref: false });
  await Promise.race([end().catch(() => undefined), late]);
}

/** One connection of its own, for what belongs to a session. Ending it frees all that the session holds. */
export async function openSession(url: string, more: ClientConfig = {}): Promise<Client> {
  const client = new Client({ ...connectionTo(url), ...more });
  // What breaks shows at the next query; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
