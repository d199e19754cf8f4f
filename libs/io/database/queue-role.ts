// SPDX-License-Identifier: GPL-2.0-only
import type { Client } from 'pg';
import { openSession } from './connection';
import { urlAs } from './queue-url';

export interface QueueRoleOptions {
  /** Of whoever made the queue's tables. */
  readonly url: string;
  /** The queue's own part of the database. */
  readonly schema: string;
  /** Asked by one control plane of the database at a time. */
  readonly password: () => Promise<string>;
}

/**
 * - `made`: it has this password, and this URL;
 * - `given`: somebody who may has made it, and knows its password;
 * - `missing`: we may make none, and there is none.
 */
export type QueueRole =
  | { readonly kind: 'made'; readonly role: string; readonly url: string }
  | { readonly kind: 'given' | 'missing'; readonly role: string };

/** Two that grant the same at once fail. */
const roleLock = 7_262_012;

const notPrivileged = '42501';
const noSuchSchema = '3F000';

/** Of a statement that may fail without ending the transaction: whether we had the right to it. */
async function isAllowed(client: Client, statement: string): Promise<boolean> {
  await client.query('SAVEPOINT asked');
  try {
    await client.query(statement);
    return true;
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code !== notPrivileged && code !== noSuchSchema) throw error;
    await client.query('ROLLBACK TO SAVEPOINT asked');
    return false;
  }
}

/** What the role may. It is asked for again where it was given: the queue's tables may have changed. */
function grants(client: Client, role: string, schema: string, database: string): string[] {
  const [name, within, all] = [role, schema, database].map((each) => client.escapeIdentifier(each));
  return [
    `GRANT CONNECT ON DATABASE ${all} TO ${name}`,
    `GRANT USAGE ON SCHEMA ${within} TO ${name}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${within} TO ${name}`,
    `GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${within} TO ${name}`,
    // Before PostgreSQL 15 everybody makes functions there, which others' statements may then find.
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
    `REVOKE TEMPORARY ON DATABASE ${all} FROM PUBLIC`,
  ];
}

async function openRole(client: Client, { url, schema, password }: QueueRoleOptions): Promise<QueueRole> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const database = rows[0]?.name ?? '';
  // Roles are the whole server's, which may have several databases of ours.
  const role = `${database}_queue`.slice(-63);
  await client.query('SELECT pg_advisory_xact_lock($1)', [roleLock]);
  const isThere = (await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role])).rowCount === 1;
  const secret = await password();
  const what = `ROLE ${client.escapeIdentifier(role)} LOGIN NOINHERIT PASSWORD ${client.escapeLiteral(secret)}`;
  const isOurs = await isAllowed(client, `${isThere ? 'ALTER' : 'CREATE'} ${what}`);
  if (!isThere && !isOurs) return { kind: 'missing', role };
  // What we may not give is for whoever owns the database to give; and not every database has a schema `public`.
  for (const statement of grants(client, role, schema, database)) await isAllowed(client, statement);
  if (!isOurs) return { kind: 'given', role };
  return { kind: 'made', role, url: urlAs(url, role, secret) };
}

/** Lets a role of its own into the queue's part of the database and nowhere else: for whoever works on jobs. */
export async function openQueueRole(options: QueueRoleOptions): Promise<QueueRole> {
  const client = await openSession(options.url);
  try {
    await client.query('BEGIN');
    const role = await openRole(client, options);
    await client.query('COMMIT');
    return role;
  } finally {
    await client.end();
  }
}
