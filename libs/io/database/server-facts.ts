// SPDX-License-Identifier: GPL-2.0-only
import type { Client } from './client';

/** The server that the database is on, as its own statements tell. */
export interface ServerFacts {
  /** As `18.4`. */
  readonly version: string;
  /** Of this database. */
  readonly sizeBytes: number;
  readonly connections: number;
  readonly mostConnections: number;
}

export interface ServerFactsStore {
  look(): Promise<ServerFacts>;
}

export function serverFacts(db: Client): ServerFactsStore {
  return {
    async look() {
      const [row] = await db.$queryRaw<{ version: string; size: bigint; connections: number; most: number }[]>`
        SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
          pg_database_size(current_database()) AS size,
          (SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database()) AS connections,
          current_setting('max_connections')::int AS most`;
      return {
        version: row?.version ?? '',
        sizeBytes: Number(row?.size ?? 0n),
        connections: row?.connections ?? 0,
        mostConnections: row?.most ?? 0,
      };
    },
  };
}
