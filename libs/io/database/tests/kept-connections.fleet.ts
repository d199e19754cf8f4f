// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { Client } from 'pg';
import { openDatabase, startEmbeddedPostgres, type Database, type EmbeddedPostgres } from '../index';

jest.setTimeout(120_000);

let folder: TemporaryFolder;
let server: EmbeddedPostgres;
let db: Database;
let pg: Client;

beforeAll(async () => {
  folder = await temporaryFolder('kept-connections');
  server = await startEmbeddedPostgres({ dir: path.join(folder.path, 'postgres'), port: await freePort() });
  db = await openDatabase({ url: server.url, onLost: () => undefined });
  pg = new Client({ connectionString: server.url });
  await pg.connect();
});
afterAll(async () => {
  await pg.end();
  await db.close();
  await server.stop();
  await folder.remove();
});

/** Of the control plane's, by the server's word. */
async function connections(): Promise<number[]> {
  const { rows } = await pg.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'lockstep-control-plane%' ORDER BY pid`,
  );
  return rows.map(({ pid }) => pid);
}

test('connections that were made for questions that came together are there for the next ones, a while later', async () => {
  await Promise.all(Array.from({ length: 8 }, () => db.nodes.silent()));
  const before = await connections();
  expect(before.length).toBeGreaterThan(2);
  // Longer than a pool keeps them unless it is told to.
  await sleep(12_000);
  expect(await connections()).toEqual(expect.arrayContaining(before));
});
