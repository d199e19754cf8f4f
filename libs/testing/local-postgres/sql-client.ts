// SPDX-License-Identifier: GPL-2.0-only
import { Client } from 'pg';

export type SqlClient = Client;

/** For what no control plane would write: years of history, or a look behind it. */
export async function connectSql(url: string): Promise<SqlClient> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
