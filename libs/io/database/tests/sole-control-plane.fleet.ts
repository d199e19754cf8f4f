// SPDX-License-Identifier: GPL-2.0-only
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { Client } from 'pg';
import { createClient, openPool, serialisable } from '../client';
import { explainDatabaseError, migrateDatabase, openDatabase, startEmbeddedPostgres } from '../index';
import type { Database, DatabaseOptions, EmbeddedPostgres } from '../index';
import { findMigrations } from '../migrate';
import { enrolled } from './enrolled';

let folder: TemporaryFolder;
let server: EmbeddedPostgres;
let port: number;
let pg: Client;
const opened: Database[] = [];
const happened: string[] = [];

const startServer = async (): Promise<void> => {
  server = await startEmbeddedPostgres({ dir: path.join(folder.path, 'postgres'), port });
};
const connectTo = async (url: string, name = 'psql of somebody'): Promise<Client> => {
  const client = new Client({ connectionString: url, application_name: name });
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

beforeAll(async () => {
  folder = await temporaryFolder('sole');
  port = await freePort();
  await startServer();
});
afterAll(async () => {
  await server.stop();
  await folder.remove();
});
beforeEach(async () => {
  pg = await connectTo(server.url);
  happened.length = 0;
});
afterEach(async () => {
  for (const db of opened.splice(0)) await db.close();
  await pg.end();
});

async function open(more: Partial<DatabaseOptions> = {}): Promise<Database> {
  const db = await openDatabase({
    url: server.url,
    onAway: () => happened.push('away'),
    onBack: () => happened.push('back'),
    onLost: (error) => happened.push(`lost: ${(error as { reason?: string }).reason ?? error.message}`),
    ...more,
  });
  opened.push(db);
  return db;
}

async function untilHappened(what: string, withinMs = 40_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!happened.includes(what)) {
    if (performance.now() > deadlineMs) throw new Error(`not "${what}" but ${JSON.stringify(happened)}`);
    await sleep(20);
  }
}

/** Ends every session but ours, as a failover or an administrator does. */
const endSessions = () =>
  pg.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'`);

async function laterVersion(): Promise<string> {
  const dir = path.join(folder.path, 'later-version');
  await cp(findMigrations(), dir, { recursive: true });
  await mkdir(path.join(dir, '2999_later'), { recursive: true });
  await writeFile(path.join(dir, '2999_later/migration.sql'), 'ALTER TABLE clusters ADD COLUMN later TEXT;');
  return dir;
}

const hasLaterColumn = async (): Promise<boolean> => {
  const { rowCount } = await pg.query(`SELECT 1 FROM information_schema.columns WHERE column_name = 'later'`);
  return rowCount !== 0;
};

describe('a second control plane', () => {
  test('of a later version touches nothing while the first runs, and is told who it is', async () => {
    await open();
    const second = open({ migrations: await laterVersion() });
    await expect(second).rejects.toMatchObject({
      kind: 'refused',
      reason: 'already-running',
      message: expect.stringContaining(`lockstep-control-plane`),
      fields: { holderAddress: '127.0.0.1', holder: expect.stringContaining(`:${process.pid} `) },
    });
    expect(await hasLaterColumn()).toBe(false);
  });
});

describe('a lock that somebody holds is waited for, not for ever', () => {
  test('Prisma’s own, while it migrates', async () => {
    await pg.query('SELECT pg_advisory_lock(72707369)');
    await expect(migrateDatabase(server.url)).rejects.toMatchObject({
      reason: 'migration-going-on',
      fields: { holder: 'psql of somebody' },
    });
  });

  test('a table’s, which a migration needs: named are the sessions that may hold it', async () => {
    await open();
    await pg.query('BEGIN; LOCK TABLE clusters IN ACCESS SHARE MODE');
    const migrating = migrateDatabase(server.url, await laterVersion());
    await expect(migrating).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'migration-blocked',
      message: expect.stringContaining('"psql of somebody"'),
    });
    await pg.query('ROLLBACK');
    expect(await hasLaterColumn()).toBe(false);
  });

  test('a table’s, which a change needs', async () => {
    const db = await open();
    await pg.query('BEGIN; LOCK TABLE clusters');
    const error: unknown = await db.clusters.list().catch((each: unknown) => each);
    expect(explainDatabaseError(error)).toMatchObject({ kind: 'unavailable', reason: 'database-busy' });
    await pg.query('ROLLBACK');
  });
});

describe('a connection that is lost', () => {
  test('with the lock: it is taken again, and nothing ends', async () => {
    const db = await open();
    await endSessions();
    await untilHappened('back');
    expect(await db.clusters.list()).toEqual([]);
    await expect(open()).rejects.toMatchObject({ reason: 'already-running' });
    expect(happened).toEqual(['away', 'back']);
  });

  test('because the server restarts: questions meanwhile are told so, and all goes on', async () => {
    const db = await open();
    await pg.end();
    await server.stop();
    const error: unknown = await db.clusters.list().catch((each: unknown) => each);
    expect(explainDatabaseError(error)).toMatchObject({ kind: 'unavailable', reason: 'database-unavailable' });
    await sleep(3_000);
    await startServer();
    await untilHappened('back');
    expect(await db.clusters.list()).toEqual([]);
    expect(happened).toEqual(['away', 'back']);
    pg = await connectTo(server.url);
  });

  test('to a server that does not come back: that ends it, in time', async () => {
    await open({ regainWithinMs: 1_000 });
    await pg.end();
    await server.stop();
    await untilHappened('lost: database-unavailable');
    await startServer();
    pg = await connectTo(server.url);
  });

  test('while another control plane waits for the lock: that ends it at once', async () => {
    await open();
    const other = await connectTo(server.url, 'the other');
    const taken = other.query('SELECT pg_advisory_lock(1280261963)');
    const isWaiting = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    while ((await pg.query(isWaiting)).rowCount === 0) await sleep(20);
    await pg.query(`SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.objid = 1280261963`);
    await taken;
    await untilHappened('lost: already-running');
    await other.end();
  });

  test('without a word is noticed, and what it left at the server does not stand in the way', async () => {
    const proxy = await startProxy();
    await open({ url: proxy.url, checkEveryMs: 200 });
    proxy.fallSilent();
    await untilHappened('back');
    expect(happened).toEqual(['away', 'back']);
    await opened.pop()?.close();
    await proxy.stop();
  });

  test('between two statements of a change, or before it is written: nothing is, and it may be asked for again', async () => {
    const db = await open();
    const { name: cluster } = await db.clusters.create(parseClusterName('cut'), {});
    const node = parseNodeName('cut-1');
    const many = { allow: 'cut-*', count: 1, expiresAt: new Date(Date.now() + 60_000) };
    await db.joinTokens.createBulk({ secretSha256: 's', cluster, ...many });
    const asked = { secretSha256: 's', token: { of: 'many' }, machine: node } as const;
    const redemption = { ...asked, publicKeySha256: 'k', now: new Date(), audit: enrolled };
    for (const waitMs of [0, 300]) {
      const certify = async () => {
        await endSessions();
        await sleep(waitMs);
        return 'pem';
      };
      const error: unknown = await db.joinTokens.redeem({ ...redemption, certify }).catch((each: unknown) => each);
      expect(explainDatabaseError(error)).toMatchObject({ kind: 'unavailable', reason: 'database-unavailable' });
    }
    expect(await db.nodes.find(node)).toBeNull();
    const pool = openPool(server.url);
    const client = createClient(pool);
    const written = serialisable(client, async (tx) => {
      await tx.cluster.create({ data: { name: 'never' } });
      await endSessions();
      await sleep(300);
    }).catch((each: unknown) => explainDatabaseError(each));
    expect(await written).toMatchObject({ kind: 'unavailable', reason: 'database-unavailable' });
    await client.$disconnect();
    await pool.end();
    expect((await db.clusters.list()).map(({ name }) => name)).toEqual(['cut']);
    await db.joinTokens.redeem({ ...redemption, certify: () => 'pem' });
    expect(await db.nodes.find(node)).toMatchObject({ certificateFingerprint: 'k' });
  });
});

test('changes that meet others for too long end with a word, not with ours', async () => {
  await open();
  const pool = openPool(server.url);
  const client = createClient(pool);
  let attempts = 0;
  const meeting = serialisable(
    client,
    async (tx) => {
      attempts += 1;
      await tx.$executeRaw`DO $$ BEGIN RAISE EXCEPTION 'met' USING ERRCODE = '40001'; END $$`;
    },
    10_000,
  );
  await expect(meeting).rejects.toMatchObject({ kind: 'unavailable', reason: 'database-contended' });
  expect(attempts).toBeGreaterThan(3);
  await client.$disconnect();
  await pool.end();
});

/** Passes everything on to the server, until it falls silent: then those connections neither answer nor end. */
async function startProxy(): Promise<{ url: string; fallSilent(): void; stop(): Promise<void> }> {
  const pairs: [Socket, Socket][] = [];
  const proxy: Server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    pairs.push([near, far]);
  });
  const proxyPort = await freePort();
  await new Promise<void>((resolve) => {
    proxy.listen(proxyPort, '127.0.0.1', resolve);
  });
  const url = new URL(server.url);
  url.port = String(proxyPort);
  return {
    url: url.toString(),
    fallSilent: () => {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
      }
    },
    stop: () =>
      new Promise((resolve) => {
        proxy.close(() => {
          resolve();
        });
        for (const [near, far] of pairs) for (const socket of [near, far]) socket.destroy();
      }),
  };
}

/** Of the control plane's, by the server's word. */
async function connections(): Promise<number[]> {
  const { rows } = await pg.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'lockstep-control-plane%' ORDER BY pid`,
  );
  return rows.map(({ pid }) => pid);
}

test('connections that were made for questions that came together are there for the next ones, a while later', async () => {
  const db = await open();
  await Promise.all(Array.from({ length: 8 }, () => db.nodes.silent()));
  const before = await connections();
  expect(before.length).toBeGreaterThan(2);
  // Longer than a pool keeps them unless it is told to.
  await sleep(12_000);
  expect(await connections()).toEqual(expect.arrayContaining(before));
});
