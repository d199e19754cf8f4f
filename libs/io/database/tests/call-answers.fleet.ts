// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import {
  DoneBefore,
  openDatabase,
  startEmbeddedPostgres,
  type ClusterRecord,
  type Database,
  type EmbeddedPostgres,
  type KeptCall,
} from '../index';

let folder: TemporaryFolder;
let server: EmbeddedPostgres;
let db: Database;

beforeAll(async () => {
  folder = await temporaryFolder('answers');
  server = await startEmbeddedPostgres({ dir: path.join(folder.path, 'postgres'), port: await freePort() });
  db = await openDatabase({ url: server.url, onLost: () => undefined });
});
afterAll(async () => {
  await db.close();
  await server.stop();
  await folder.remove();
});

const switching = { consistency: undefined, transitionTimeoutMs: undefined };
const call = (key: string, name: string): KeptCall<ClusterRecord> => ({
  ...{ key, method: 'CreateCluster', requestSha256: name },
  answerOf: (cluster) => Buffer.from(`made ${cluster.name}`),
});
const create = (key: string, name: string): Promise<string> =>
  db.clusters.create(parseClusterName(name), switching, call(key, name)).then(
    () => 'made it',
    (error: unknown) =>
      error instanceof DoneBefore ? Buffer.from(error.answer).toString() : Promise.reject(error as Error),
  );

test('of the same call many times at once one is done; the others are answered what it was', async () => {
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => create('k1', 'one')));
  expect(outcomes.sort()).toEqual(['made it', ...Array.from({ length: 7 }, () => 'made one')]);
  expect((await db.clusters.list()).map(({ name }) => name)).toEqual(['one']);
  expect(Buffer.from((await db.callAnswers.recall(call('k1', 'one')))!).toString()).toBe('made one');
});

test('what was refused leaves no answer: asked again it is decided again', async () => {
  await expect(create('k2', 'one')).rejects.toMatchObject({ reason: 'cluster-exists' });
  expect(await db.callAnswers.recall(call('k2', 'one'))).toBeUndefined();
});

test('a key that names another call is refused, whatever it asks for', async () => {
  const refused = { kind: 'invalid-input', reason: 'call-key-reused' };
  await expect(db.callAnswers.recall(call('k1', 'two'))).rejects.toMatchObject(refused);
  await expect(create('k1', 'two')).rejects.toMatchObject(refused);
  expect((await db.clusters.list()).map(({ name }) => name)).toEqual(['one']);
});
