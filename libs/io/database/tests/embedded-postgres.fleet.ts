// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../index';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';

let folder: TemporaryFolder;
let port: number;
const started: EmbeddedPostgres[] = [];

beforeEach(async () => {
  folder = await temporaryFolder('postgres');
  port = await freePort();
});
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  await folder.remove();
});

const dir = (): string => path.join(folder.path, 'postgres');

async function start(at = port): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dir: dir(), port: at });
  started.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const serverPid = async (): Promise<number> =>
  Number((await readFile(path.join(dir(), 'data/postmaster.pid'), 'utf8')).split('\n')[0]);

test('starts, keeps what it was told over a stop, and is ours alone', async () => {
  const first = await start();
  expect(first.adopted).toBe(false);
  await query(first.url, 'CREATE TABLE t (n int); INSERT INTO t VALUES (7)');
  await expect(query(first.url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(/password/);
  await first.stop();
  expect(await query((await start()).url, 'SELECT n FROM t')).toEqual([{ n: 7 }]);
});

test('a server left behind by a killed parent is taken over, whatever port is asked for now', async () => {
  const left = await start();
  const again = await start(await freePort());
  expect(again).toMatchObject({ adopted: true, url: left.url });
});

test('comes up after the server itself was killed', async () => {
  const first = await start();
  await query(first.url, 'CREATE TABLE t (n int); INSERT INTO t VALUES (1)');
  process.kill(await serverPid(), 'SIGKILL');
  expect(await query((await start()).url, 'SELECT n FROM t')).toEqual([{ n: 1 }]);
});

test('a pid file whose number is another program’s now stops nothing', async () => {
  await (await start()).stop();
  await writeFile(path.join(dir(), 'data/postmaster.pid'), `${process.pid}\n${dir()}/data\n0\n${port}\n`);
  expect((await start()).adopted).toBe(false);
});

test('a data folder of another major version is refused in words, and left as it is', async () => {
  await (await start()).stop();
  const version = path.join(dir(), 'data/PG_VERSION');
  const ours = await readFile(version, 'utf8');
  await writeFile(version, '17\n');
  await expect(start()).rejects.toMatchObject({
    kind: 'refused',
    reason: 'postgres-other-version',
    message: expect.stringContaining('pg_dump'),
    fields: { found: '17', ours: ours.trim() },
  });
  await writeFile(version, ours);
  await start();
});

test('a port in use is named', async () => {
  const blocker = createServer().listen(port, '127.0.0.1');
  try {
    await expect(start()).rejects.toMatchObject({ kind: 'unavailable', reason: 'port-taken', fields: { port } });
  } finally {
    blocker.close();
  }
});
