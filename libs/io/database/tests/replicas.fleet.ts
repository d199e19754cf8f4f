// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chainRecord, type AuditRecord } from '@lockstep/domain/audit';
import type { EntrySignature } from '@lockstep/domain/load-order';
import { parseClusterName, parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import { defaultRules, planRollout } from '@lockstep/domain/rollout-planner';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { Client } from 'pg';
import {
  Announcements,
  openDatabase,
  startEmbeddedPostgres,
  type AuditHead,
  type ChainedBatch,
  type Database,
  type EmbeddedPostgres,
  type UnchainedEvent,
} from '../index';

let folder: TemporaryFolder;
let server: EmbeddedPostgres;
let db: Database;
let pg: Client;
const cluster = parseClusterName('web');
const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const [one, two] = [randomUUID(), randomUUID()];

beforeAll(async () => {
  folder = await temporaryFolder('replicas');
  server = await startEmbeddedPostgres({ dir: path.join(folder.path, 'postgres'), port: await freePort() });
  db = await openDatabase({ url: server.url, isShared: true, onLost: () => undefined });
  pg = await session();
  await db.clusters.create(cluster, { consistency: undefined, transitionTimeoutMs: undefined });
  await pg.query(`INSERT INTO kernel_builds (id, release, compiler, config_sha256) VALUES ($1, '', '', '')`, [
    kernelBuild,
  ]);
  await pg.query(
    `INSERT INTO nodes (name, cluster_name, certificate_fingerprint) VALUES ('n1', 'web', ''), ('n2', 'web', '')`,
  );
});
afterAll(async () => {
  await pg.end();
  await db.close();
  await server.stop();
  await folder.remove();
});

async function session(): Promise<Client> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  return client;
}

/** So many statements wait for a lock that another one has. */
async function untilWaiting(count: number): Promise<void> {
  for (;;) {
    const { rowCount } = await pg.query(
      `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    if (rowCount === count) return;
    await sleep(20);
  }
}

test('one leads until its time is over, and then another one; a plan by the word of the earlier one is not stored', async () => {
  const policy = { kernelBuild, toSeq: parseSeq(1), ...defaultRules };
  const plan = planRollout({ policy, parent: null, nowMs: 0, inventory: [] });
  const { id } = await db.rollouts.start({ cluster, policy, plan });
  const next = { ...plan, generation: 2, parent: 1 };
  expect(await db.replicas.beat(one, 60_000)).toEqual({ token: 1, others: [] });
  expect(await db.replicas.beat(two, 60_000)).toEqual({ token: undefined, others: [one] });
  // Its minute is over.
  await pg.query(`UPDATE leases SET expires_at = now() - interval '1 ms'`);
  await pg.query(`UPDATE replicas SET alive_until = now() - interval '1 ms' WHERE id = $1`, [one]);
  expect(await db.replicas.beat(two, 60_000)).toEqual({ token: 2, others: [] });
  expect(await db.replicas.beat(one, 60_000)).toEqual({ token: undefined, others: [two] });
  const late = db.rollouts.advance(id, next, { holder: one, token: 1 });
  await expect(late).rejects.toMatchObject({ kind: 'unavailable', reason: 'lease-lost' });
  expect(await db.rollouts.advance(id, next, { holder: two, token: 2 })).toBe(true);
  // Looked at when it was planned, until that is said anew: whoever leads next begins from there.
  expect(Math.abs(((await db.rollouts.require(id)).lookedAtMs ?? 0) - Date.now())).toBeLessThan(3_600_000);
  await db.rollouts.noteLooked([id], 1_796_000_000_123);
  const [inForce] = await db.rollouts.inForce(cluster);
  expect(inForce?.lookedAtMs).toBe(1_796_000_000_123);
  // One that stops says so: nobody waits for its time.
  await db.replicas.leave(two);
  expect(await db.replicas.beat(one, 60_000)).toEqual({ token: 3, others: [] });
});

test('what was written is seen by the next look, also by a transaction that was under way at the last', async () => {
  const start = await db.replicas.nodeChanges(null, one);
  expect(start.nodes).toEqual([]);
  await pg.query(`BEGIN; UPDATE nodes SET agent_version = 'slow' WHERE name = 'n1'`);
  await db.nodes.keep([]);
  const other = await session();
  await other.query(`UPDATE nodes SET agent_version = 'quick' WHERE name = 'n2'`);
  await other.end();
  const during = await db.replicas.nodeChanges(start.horizon, one);
  expect(during.nodes.map(({ name, agentVersion }) => [name, agentVersion])).toEqual([['n2', 'quick']]);
  await pg.query('COMMIT');
  const after = await db.replicas.nodeChanges(during.horizon, one);
  expect(after.nodes.map(({ name, agentVersion }) => [name, agentVersion])).toContainEqual(['n1', 'slow']);
  expect((await db.replicas.nodeChanges(after.horizon, one)).nodes).toEqual([]);
  // Of the streams that one holds itself it knows better, but for what an operator did elsewhere.
  await pg.query(`UPDATE nodes SET replica_id = $1 WHERE name = 'n1'`, [one]);
  expect((await db.replicas.nodeChanges(after.horizon, one)).nodes).toEqual([]);
  expect((await db.replicas.nodeChanges(after.horizon, two)).nodes).toMatchObject([{ name: 'n1', replica: one }]);
  await pg.query(`UPDATE nodes SET revoked_at = now() WHERE name = 'n1'`);
  expect((await db.replicas.nodeChanges(after.horizon, one)).nodes).toMatchObject([{ name: 'n1', replica: one }]);
  expect([...(await db.replicas.labelRevisions()).keys()].sort()).toEqual(['n1', 'n2'].map(parseNodeName));
});

const told = (key: string) => ({
  ...{ key, type: 'node.failed' as const, cluster, subject: key, message: '', data: {} },
});

test('what the leader tells is not told by who led before, whose time is over', async () => {
  await db.replicas.leave(one);
  const { token = 0 } = await db.replicas.beat(two, 60_000);
  const late = db.events.add([told('late')], { holder: one, token: token - 1 });
  await expect(late).rejects.toMatchObject({ reason: 'lease-lost' });
  expect(await db.events.add([told('first')], { holder: two, token })).toMatchObject([{ key: 'first' }]);
});

test('no event comes to light after a later one, whoever writes them', async () => {
  const slow = await session();
  await slow.query(`BEGIN; INSERT INTO events (id, key, type, subject, message, data)
    VALUES (gen_random_uuid(), 'held', 'node.failed', '', '', '{}')`);
  // It has a seq by now, and waits to hear whether somebody else has told the other one.
  const earlier = db.events.add([told('earlier'), told('held')]);
  await untilWaiting(1);
  const later = db.events.add([told('later')]);
  await sleep(300);
  const head = await db.events.head();
  await slow.query('ROLLBACK');
  await Promise.all([earlier, later]);
  await slow.end();
  expect((await db.events.after(head, 9)).map(({ subject }) => subject)).toEqual(['earlier', 'held', 'later']);
});

test('two control planes that give places in the chain of the audit at once give each place once', async () => {
  const event = (call: string) => ({
    ...{ who: '', token: '', from: '', call, on: '', details: '', because: '', result: 'done' },
  });
  const link = (events: readonly UnchainedEvent[], head: AuditHead): ChainedBatch => {
    const records: AuditRecord[] = [];
    for (const each of events) records.push(chainRecord(each, records.at(-1) ?? head, sha256OfBytes));
    const { seq, hash } = records.at(-1)!;
    return { records, checkpoint: { seq, hash, signature: '' as EntrySignature } };
  };
  const [slow, blocker] = [await session(), await session()];
  await slow.query(`BEGIN; INSERT INTO audit_events (who, token, "from", call, "on", details, because, result)
    VALUES ('', '', '', 'seen late', '', '', '', 'done')`);
  await db.audit.add(event('seen at once'));
  await blocker.query(`BEGIN; SELECT 1 FROM audit_events WHERE call = 'seen at once' FOR UPDATE`);
  const first = db.audit.chain(link);
  await untilWaiting(1);
  await slow.query('COMMIT');
  const second = db.audit.chain(link);
  await sleep(300);
  await blocker.query('COMMIT');
  await Promise.all([first, second]);
  await Promise.all([slow.end(), blocker.end()]);
  const records = await db.audit.read(0, 9);
  expect(records.map(({ call }) => call)).toEqual(['seen at once', 'seen late']);
  expect(await db.audit.checkpoints(0, 9)).toMatchObject(records.map(({ seq, hash }) => ({ seq, hash })));
});

test('what is announced is heard; a connection that was cut is taken up again, and says that something may be missing', async () => {
  const heard: string[] = [];
  let gaps = 0;
  const listener = new Announcements({
    url: server.url,
    onHeard: (text) => heard.push(text),
    onGap: () => (gaps += 1),
  });
  const until = async (holds: () => boolean) => {
    for (let tries = 0; !holds() && tries < 400; tries += 1) await sleep(25);
    expect(holds()).toBe(true);
  };
  await until(() => gaps === 1);
  listener.announce('first');
  await until(() => heard.includes('first'));
  await pg.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_notify%' AND pid <> pg_backend_pid()`,
  );
  await until(() => gaps === 2);
  // Whoever may connect may notify, build workers too.
  await pg.query(`SELECT pg_notify('lockstep', 'forged'), pg_notify('lockstep', '${'A'.repeat(43)} forged')`);
  listener.announce('second');
  await until(() => heard.includes('second'));
  expect(heard).toEqual(['first', 'second']);
  await listener.close();
});
