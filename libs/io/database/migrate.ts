// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from 'pg';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { describeSession, sessionFields, sessionsInTransaction, takeAdvisoryLock } from './advisory-lock';
import { openSession } from './connection';
import { isLockTimeout } from './database-errors';

/** Prisma's own lock (schema-engine, postgres flavour): its runner and ours never work at the same time. */
const prismaLockId = 72707369;
const prismaWithinMs = 10_000;

/** As Prisma's schema engine creates it, so that either of us can go on where the other stopped. */
const createLedger = `
CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum"              VARCHAR(64) NOT NULL,
    "finished_at"           TIMESTAMPTZ,
    "migration_name"        VARCHAR(255) NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        TIMESTAMPTZ,
    "started_at"            TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count"   INTEGER NOT NULL DEFAULT 0
)`;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface LedgerRow {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

/** `prisma/migrations` of this installation, above the running file. */
export function findMigrations(): string {
  for (let folder = __dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'prisma/migrations');
    if (existsSync(path.join(candidate, 'migration_lock.toml'))) return candidate;
  }
  throw new LockstepError(
    'internal',
    'migrations-missing',
    `There is no prisma/migrations above ${__dirname}: install Lockstep again.`,
  );
}

async function readMigrations(dir: string): Promise<Migration[]> {
  const folders = (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const names = folders.map(({ name }) => name).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(path.join(dir, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** @throws LockstepError when the database's history is not a beginning of ours. */
function checkLedger(rows: readonly LedgerRow[], migrations: readonly Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { migration_name: name, checksum, finished_at: finishedAt } of rows) {
    const migration = known.get(name);
    if (migration === undefined) {
      const message = `The database has migration ${name}, which this version does not know: run the version that made it.`;
      throw new LockstepError('refused', 'database-newer', message, { migration: name });
    }
    if (finishedAt === null) {
      const message = `Migration ${name} failed half-way under another tool: mend it with \`prisma migrate resolve\`.`;
      throw new LockstepError('corrupt', 'migration-unfinished', message, { migration: name });
    }
    if (checksum !== migration.checksum) {
      const message = `Migration ${name} was applied with other content: migrations that have been applied must not be edited.`;
      throw new LockstepError('corrupt', 'migration-changed', message, { migration: name });
    }
  }
}

async function blocked(client: Client, name: string, cause: unknown): Promise<LockstepError> {
  const others = (await sessionsInTransaction(client)).map(describeSession);
  const who = others.length === 0 ? 'a session that has ended since' : others.join('; ');
  const message = `Migration ${name} waits for a lock that another session holds: ${who}. End that session, and start again.`;
  return new LockstepError(
    'unavailable',
    'migration-blocked',
    message,
    { migration: name, sessions: others },
    { cause },
  );
}

/** Prisma's own runner, at work on the schema, is waited for; not for ever. */
async function lockOutPrisma(client: Client): Promise<void> {
  const holder = await takeAdvisoryLock(client, prismaLockId, prismaWithinMs);
  if (holder === 'taken') return;
  const message = `Another program migrates this database: ${describeSession(holder)}. Wait for it, or end it, and start again.`;
  throw new LockstepError('unavailable', 'migration-going-on', message, sessionFields(holder));
}

/** The script and its row in one transaction: there is no half-applied state of ours to mend. */
async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (cause) {
    await client.query('ROLLBACK');
    if (isLockTimeout(cause)) throw await blocked(client, name, cause);
    const message = `Migration ${name} failed: ${String(cause)}`;
    throw new LockstepError('internal', 'migration-failed', message, { migration: name }, { cause });
  }
}

/**
 * Brings the database to this version's schema, as `prisma migrate deploy` would, and leaves the same record.
 * @returns the names of the migrations applied now.
 * @throws LockstepError `migration-blocked`, `migration-going-on`, `database-newer`, `migration-changed`, `migration-failed`.
 */
export async function migrateDatabase(url: string, dir: string = findMigrations()): Promise<string[]> {
  const migrations = await readMigrations(dir);
  const client = await openSession(url);
  try {
    await lockOutPrisma(client);
    await client.query(createLedger);
    const { rows } = await client.query<LedgerRow>(
      `SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL`,
    );
    checkLedger(rows, migrations);
    const applied = new Set(rows.map((row) => row.migration_name));
    const pending = migrations.filter(({ name }) => !applied.has(name));
    for (const migration of pending) await apply(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    // Ending the session frees the lock.
    await client.end();
  }
}
