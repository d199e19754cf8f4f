// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { Client } from 'pg';
import { noLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseKernelBuildId, parseNodeName } from '@lockstep/domain/livepatch-model';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { openDatabase, startEmbeddedPostgres, type Database, type EmbeddedPostgres, type NodeStream } from '../index';
import { enrolled } from './enrolled';

let folder: TemporaryFolder;
let server: EmbeddedPostgres;
let db: Database;

const cluster = parseClusterName('web');
const node = parseNodeName('n1');
const hello = {
  kernelBuild: parseKernelBuildId('ab'.repeat(20)),
  kernelRelease: '6.1',
  bootId: 'b1',
  agentVersion: '1',
  patchedCore: false,
  entryVersions: [1, 2],
  reportedLabels: noLabels,
  certificateEndsAt: new Date('2027-01-01'),
};

async function enrol(secretSha256: string, name = node): Promise<void> {
  const now = new Date();
  await db.joinTokens.create({ secretSha256, cluster, node: name, expiresAt: new Date(now.getTime() + 60_000) });
  const token = await db.joinTokens.requireGood(secretSha256, now);
  const proof = { secretSha256, token, publicKeySha256: secretSha256 };
  await db.joinTokens.redeem({ ...proof, now, machine: '', certify: () => 'pem', audit: enrolled });
}

const reportAt = (position: number): NodeReport =>
  NodeReport.fromPartial({ status: NodeStatus.NODE_STATUS_IN_STEP, position, target: 2, bootId: 'b1' });
/** As whom its certificate names now. */
const replica = randomUUID();
const introduce = async (about: typeof hello): Promise<NodeStream> => {
  const { name, certificateFingerprint } = await db.nodes.require(node);
  const { sessionEpoch } = await db.nodes.introduce({ name, certificateFingerprint }, about, replica);
  return { name, certificateFingerprint, sessionEpoch };
};
const say = async (stream: NodeStream, report?: NodeReport): Promise<boolean> =>
  (await db.nodes.keep([{ stream, report, seenAt: new Date(), replica }])).has(node);
const kept = async (): Promise<NodeReport | null> => (await db.nodes.require(node)).report;

beforeAll(async () => {
  folder = await temporaryFolder('database');
  server = await startEmbeddedPostgres({ dir: path.join(folder.path, 'postgres'), port: await freePort() });
  db = await openDatabase({ url: server.url, onLost: () => undefined });
  await db.clusters.create(cluster, { consistency: undefined, transitionTimeoutMs: undefined });
  await enrol('first');
});
afterAll(async () => {
  await db.close();
  await server.stop();
  await folder.remove();
});

test('a node that is heard of at the moment when it would be removed for its silence stays', async () => {
  await db.clusters.update(cluster, (now) => ({ ...now, removeSilentAfterDays: 1 }));
  const pg = new Client({ connectionString: server.url });
  await pg.connect();
  await pg.query(`UPDATE nodes SET last_seen_at = now() - interval '2 days', enrolled_at = now() - interval '3 days'`);
  expect(await db.nodes.silent()).toEqual([node]);
  // It says hello, but has not done so yet when somebody looks.
  await pg.query(`BEGIN; UPDATE nodes SET last_seen_at = now()`);
  const removal = db.nodes.removeSilent(node);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await pg.query('COMMIT');
  expect(await removal).toBeUndefined();
  expect(await db.nodes.silent()).toEqual([]);
  await pg.end();
  await db.clusters.update(cluster, (now) => ({ ...now, removeSilentAfterDays: undefined }));
  expect((await db.nodes.require(node)).name).toBe(node);
});

test('a late report of an old stream overwrites nothing, and its stream is told', async () => {
  const old = await introduce(hello);
  expect(await say(old, reportAt(1))).toBe(true);
  const current = await introduce(hello);
  expect(await kept()).toEqual(reportAt(1));
  expect(await say(current, reportAt(2))).toBe(true);
  expect(await say(old, reportAt(1))).toBe(false);
  expect(await say(old)).toBe(false);
  expect(await kept()).toEqual(reportAt(2));
  expect(await say(current)).toBe(true);
  expect(await kept()).toEqual(reportAt(2));
});

test.each([
  ['boot', { bootId: 'b2' }],
  ['kernel', { kernelBuild: parseKernelBuildId('cd'.repeat(20)) }],
])('what a node reported in another %s says nothing of it now', async (_, change) => {
  await say(await introduce(hello), reportAt(2));
  await introduce({ ...hello, ...change });
  expect(await kept()).toBeNull();
});

test('a machine that enrols in the place of another has reported nothing yet, and the other no longer may', async () => {
  const stream = await introduce(hello);
  await say(stream, reportAt(2));
  expect((await db.nodes.require(node)).replica).toBe(replica);
  await enrol('second');
  expect(await kept()).toBeNull();
  // Whoever holds the stream of the one before holds none of this one.
  expect((await db.nodes.require(node)).replica).toBeNull();
  expect(await say(stream, reportAt(2))).toBe(false);
  await introduce(hello);
  expect(await kept()).toBeNull();
});

test('what a node still had on its way when it was removed is no report of the one that joined in its place', async () => {
  const before = await introduce(hello);
  await db.nodes.remove(node);
  await enrol('third');
  let now = await introduce(hello);
  while (now.sessionEpoch < before.sessionEpoch) now = await introduce(hello);
  expect(now.sessionEpoch).toBe(before.sessionEpoch);
  expect([await say(before, reportAt(2)), await say(before)]).toEqual([false, false]);
  expect(await kept()).toBeNull();
  expect(await say(now, reportAt(1))).toBe(true);
});

test('a stream that begins is told which version of the row it followed, of one that was written past it a later one', async () => {
  await say(await introduce(hello), reportAt(1));
  const read = await db.nodes.require(node);
  const begun = await db.nodes.introduce(read, hello, replica);
  expect(begun.revisionBefore).toBe(read.revision);
  expect(begun.revision).toBeGreaterThan(read.revision);
  const between = { ...read, ...begun };
  expect(await say(between, reportAt(2))).toBe(true);
  expect((await db.nodes.introduce(read, hello, replica)).revisionBefore).toBeGreaterThan(begun.revision);
});

test('of many streams that begin at once each has its own epoch; whose certificate is old has none', async () => {
  const known = await db.nodes.require(node);
  const begun = await Promise.all([1, 2, 3].map(() => db.nodes.introduce(known, hello, replica)));
  expect(begun.map(({ sessionEpoch }) => sessionEpoch)).toEqual([1, 2, 3].map((more) => known.sessionEpoch + more));
  const stranger = { ...known, certificateFingerprint: 'other' };
  const both = await Promise.allSettled([
    db.nodes.introduce(stranger, hello, replica),
    db.nodes.introduce(known, hello, replica),
  ]);
  expect(both).toMatchObject([
    { reason: { reason: 'node-removed' } },
    { value: { sessionEpoch: known.sessionEpoch + 4 } },
  ]);
});

test('a stream begins at once while somebody holds the row of another node, whose own waits for that', async () => {
  const held = await db.nodes.require(node);
  await enrol('other-first', parseNodeName('n2'));
  const free = await db.nodes.require(parseNodeName('n2'));
  const pg = new Client({ connectionString: server.url });
  await pg.connect();
  await pg.query(`BEGIN; UPDATE nodes SET last_seen_at = now() WHERE name = '${node}'`);
  const order: string[] = [];
  const waiting = db.nodes.introduce(held, hello, replica).then(() => order.push('held'));
  await db.nodes.introduce(free, hello, replica).then(() => order.push('free'));
  await pg.query('COMMIT');
  await pg.end();
  await waiting;
  expect(order).toEqual(['free', 'held']);
});

test('words that PostgreSQL cannot keep as they are cost no other node its own', async () => {
  const stream = await introduce({ ...hello, agentVersion: '1\u0000' });
  const report = { ...reportAt(2), headHash: 'a\u0000b' };
  expect(await say(stream, report)).toBe(true);
  expect(await kept()).toEqual({ ...report, headHash: 'a\ufffdb' });
});
