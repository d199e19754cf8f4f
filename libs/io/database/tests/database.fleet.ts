// SPDX-License-Identifier: GPL-2.0-only
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import {
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parseNodeName,
  parsePatchId,
  parsePatchName,
  parseSeq,
  type ArtifactManifest,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { extendLog, type EntryBody, type EntrySignature, type LogKey, type LogName } from '@lockstep/domain/load-order';
import { defaultRules, planRollout, type RolloutPlan, type RolloutPolicy } from '@lockstep/domain/rollout-planner';
import {
  migrateDatabase,
  openDatabase,
  startEmbeddedPostgres,
  type Appending,
  type Database,
  type EmbeddedPostgres,
} from '../index';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { findMigrations } from '../migrate';
import { enrolled } from './enrolled';

let folder: TemporaryFolder;
let server: EmbeddedPostgres;
let db: Database;
let pg: Client;

beforeAll(async () => {
  folder = await temporaryFolder('database');
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

const sha256 = (text: string | Uint8Array): Sha256 => createHash('sha256').update(text).digest('hex') as Sha256;
const keys = generateKeyPairSync('ed25519');
const signing = {
  hash: sha256,
  sign: (_: LogKey | undefined, value: Sha256) =>
    sign(null, Buffer.from(value, 'hex'), keys.privateKey).toString('base64') as EntrySignature,
};
const checks = {
  ...{ hash: sha256, verifyBy: () => false },
  verify: (value: Sha256, signature: EntrySignature) =>
    verify(null, Buffer.from(value, 'hex'), keys.publicKey, Buffer.from(signature, 'base64')),
};

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const configSha256 = sha256('config');

async function kernel(): Promise<void> {
  const { id } = await db.registrations.begin('/kernels/one', null);
  await db.registrations.succeed(id, 1, { id: kernelBuild, release: '6.1.0', compiler: 'gcc 12', configSha256 });
}

async function cluster(name: string): Promise<LogName> {
  await kernel();
  return { cluster: (await db.clusters.create(parseClusterName(name), {})).name, kernelBuild };
}

const manifest = (name: string, ...functions: string[]): ArtifactManifest => ({
  sha256: sha256(name),
  sizeBytes: 4096,
  kernelBuild,
  moduleName: parseModuleName(`lockstep_${name}`),
  patch: parsePatchId(sha256(`patch ${name}`)),
  patchName: parsePatchName(name),
  replace: false,
  functions: functions.map((fn) => ({ object: 'vmlinux', name: fn, sympos: 0 })),
});

const load = (name: string, ...functions: string[]): EntryBody => ({
  kind: 'load',
  artifact: manifest(name, ...functions),
  overrides: [],
  builtOnto: [],
});

const appending = (body: EntryBody, more?: Partial<Appending>): Appending => ({
  body: () => body,
  ...signing,
  ...more,
});

const migrationNames = async (): Promise<string[]> =>
  (await readdir('prisma/migrations')).filter((name) => /^\d/.test(name)).sort();

describe('migrations', () => {
  test('leave Prisma’s own record, and nothing to do the second time', async () => {
    expect(await migrateDatabase(server.url)).toEqual([]);
    const { rows } = await pg.query<{ migration_name: string; checksum: string }>('SELECT * FROM _prisma_migrations');
    expect(rows).toEqual(
      (await migrationNames()).map(
        (name) => expect.objectContaining({ migration_name: name, rolled_back_at: null }) as unknown,
      ),
    );
    expect(rows[0]).toMatchObject({ migration_name: '20261122000000_main_job', applied_steps_count: 1 });
    expect(rows[0]?.checksum).toMatch(/^[0-9a-f]{64}$/);
  });

  test('one that was edited after it was applied, or is from a later version, is refused', async () => {
    const dir = path.join(folder.path, 'edited');
    await cp(findMigrations(), dir, { recursive: true });
    await writeFile(path.join(dir, '20261122000000_main_job/migration.sql'), 'SELECT 1;');
    await expect(migrateDatabase(server.url, dir)).rejects.toMatchObject({ reason: 'migration-changed' });
    const empty = path.join(folder.path, 'empty');
    await mkdir(empty);
    await expect(migrateDatabase(server.url, empty)).rejects.toMatchObject({ reason: 'database-newer' });
  });

  test('a script that fails leaves nothing behind', async () => {
    const dir = path.join(folder.path, 'failing');
    await cp(findMigrations(), dir, { recursive: true });
    await mkdir(path.join(dir, '2027_broken'));
    await writeFile(path.join(dir, '2027_broken/migration.sql'), 'CREATE TABLE half (n int); SELECT nonsense;');
    await expect(migrateDatabase(server.url, dir)).rejects.toMatchObject({ reason: 'migration-failed' });
    const { rows } = await pg.query(`SELECT to_regclass('half') AS half, count(*)::int AS n FROM _prisma_migrations`);
    expect(rows).toEqual([{ half: null, n: (await migrationNames()).length }]);
  });

  test('there is one control plane at a time', async () => {
    const second = openDatabase({ url: server.url, onLost: () => undefined });
    await expect(second).rejects.toMatchObject({ kind: 'refused', reason: 'already-running' });
  });
});

describe('load order', () => {
  test('appends at the same moment get seqs without gaps, in one signed chain', async () => {
    const log = await cluster('racing');
    const names = Array.from({ length: 16 }, (_, i) => `p${i}`);
    await Promise.all(names.map((name) => db.loadOrders.append(log, appending(load(name, `fn_${name}`)))));
    const entries = await db.loadOrders.entries(log);
    expect(entries.map((entry) => entry.seq)).toEqual(names.map((_, i) => i + 1));
    expect(extendLog(log, [], entries, checks)).toMatchObject({ kind: 'extended', added: 16 });
    expect(await db.loadOrders.entries(log, 14)).toEqual(entries.slice(14));
    expect(await db.loadOrders.head(log)).toBe(16);
  });

  test('an unforced conflict, a taken seq and an unknown cluster append nothing', async () => {
    const log = await cluster('refusing');
    await db.loadOrders.append(log, appending(load('a', 'a', 'b')));
    const conflicting = db.loadOrders.append(log, appending(load('b', 'a', 'd')));
    await expect(conflicting).rejects.toMatchObject({ kind: 'refused', reason: 'unforced-conflict' });
    const late = db.loadOrders.append(log, appending(load('c', 'c'), { expectedSeq: parseSeq(1) }));
    await expect(late).rejects.toMatchObject({ reason: 'seq-taken', fields: { expected: 1, next: 2 } });
    const nowhere = db.loadOrders.append({ ...log, cluster: parseClusterName('nowhere') }, appending(load('c', 'c')));
    await expect(nowhere).rejects.toMatchObject({ kind: 'not-found', reason: 'unknown-cluster' });
    expect(await db.loadOrders.entries(log)).toHaveLength(1);
    expect(await db.loadOrders.kernelBuilds(log.cluster)).toEqual([kernelBuild]);
  });

  test('what is appended cannot be edited or deleted', async () => {
    const log = await cluster('fixed');
    await db.loadOrders.append(log, appending(load('a', 'a')));
    await expect(pg.query(`UPDATE log_entries SET seq = 9 WHERE cluster_name = 'fixed'`)).rejects.toThrow(
      /append-only/,
    );
    await expect(pg.query(`DELETE FROM log_entries WHERE cluster_name = 'fixed'`)).rejects.toThrow(/append-only/);
  });
});

describe('what the artifact store must keep', () => {
  const other = parseKernelBuildId('cd'.repeat(20));
  const copyOf = (name: string) => ({
    ...{ sha256: sha256(name), parts: [sha256(`${name} 1`), sha256(`${name} 2`)], sizeBytes: 5_000_000_000 },
  });
  const add = async (): Promise<void> => {
    const { id } = await db.registrations.begin('/kernels/other', null);
    await db.registrations.succeed(id, 1, { id: other, release: '5.15.0', compiler: 'gcc 12', configSha256 });
  };

  test('modules of load orders, retired or not; no others', async () => {
    const log = await cluster('keeping');
    await db.loadOrders.append(log, appending(load('kept', 'fn_kept')));
    await db.loadOrders.append(log, appending({ kind: 'retire', retires: parseSeq(1) }));
    expect(await db.references.includes(sha256('kept'))).toBe(true);
    expect(await db.references.includes(sha256('loose'))).toBe(false);
  });

  test('a copy of a kernel build, all its files, while the kernel build is in use', async () => {
    await add();
    expect(await db.kernelCopies.wanting()).toEqual([kernelBuild, other]);
    await db.kernelCopies.keep(kernelBuild, copyOf('one'));
    await db.kernelCopies.keep(other, copyOf('other'));
    expect(await db.kernelCopies.wanting()).toEqual([]);
    expect(await db.kernelCopies.find(other)).toEqual(copyOf('other'));
    // A load order is for it.
    for (const name of ['one', 'one 1', 'one 2']) expect(await db.references.includes(sha256(name))).toBe(true);
    expect(await db.references.includes(sha256('other 2'))).toBe(false);
    await pg.query(`INSERT INTO nodes (name, cluster_name, certificate_fingerprint, kernel_build_id)
      VALUES ('user', 'keeping', 'f', '${other}')`);
    expect(await db.references.includes(sha256('other 2'))).toBe(true);
    await pg.query(`DELETE FROM nodes WHERE name = 'user'`);
    const { id: patch } = await db.patches.submit({
      ...{ id: parsePatchId(sha256('p')), name: parsePatchName('using'), diff: Buffer.from('x'), description: '' },
      ...{ author: '', cves: [], combines: [] },
    });
    const [build] = await db.builds.queue([{ patch, kernelBuild: other, onto: [] }], 'normal');
    expect(await db.references.includes(sha256('other'))).toBe(true);
    await db.builds.cancel(build!);
    expect(await db.references.includes(sha256('other'))).toBe(false);
  });

  test('a copy that has lost a file is none; it is wanted again when the kernel build is in use, or added again', async () => {
    await db.kernelCopies.forget(sha256('one 2'));
    await db.kernelCopies.forget(sha256('other 1'));
    expect(await db.kernelCopies.list()).toEqual(new Map());
    expect(await db.kernelCopies.wanting()).toEqual([kernelBuild]);
    await add();
    expect(await db.kernelCopies.wanting()).toEqual([kernelBuild, other]);
    await db.kernelCopies.keep(other, copyOf('other'));
    expect(await db.kernelCopies.list()).toEqual(new Map([[other, copyOf('other')]]));
  });
});

describe('enrolment', () => {
  const node = parseNodeName('n1');
  const soon = (): Date => new Date(Date.now() + 60_000);
  const redeem = async (secretSha256: string, publicKeySha256: string) => {
    const now = new Date();
    const token = await db.joinTokens.requireGood(secretSha256, now);
    const certify = () => `pem for ${publicKeySha256}`;
    return db.joinTokens.redeem({ secretSha256, token, publicKeySha256, now, machine: '', certify, audit: enrolled });
  };

  test('a token makes one key one node; the same key may ask again, no other', async () => {
    const { cluster: name } = await cluster('enrolling');
    await db.joinTokens.create({ secretSha256: 's1', cluster: name, node, expiresAt: soon() });
    const first = await redeem('s1', 'key1');
    expect(first).toEqual({ cluster: name, node, certificatePem: 'pem for key1' });
    expect(await redeem('s1', 'key1')).toEqual(first);
    await expect(redeem('s1', 'key2')).rejects.toMatchObject({
      reason: 'join-token-refused',
    });
    await expect(redeem('s9', 'key1')).rejects.toMatchObject({
      reason: 'join-token-refused',
    });
    expect(await db.nodes.require(node)).toMatchObject({
      certificateFingerprint: 'key1',
      kernelBuild: null,
      report: null,
    });
  });

  test('an old token hands out no certificate that a newer enrolment has superseded', async () => {
    const { cluster: name } = await cluster('re-enrolling');
    const again = parseNodeName('n-again');
    for (const [secretSha256, key] of [
      ['r1', 'key1'],
      ['r2', 'key2'],
    ] as const) {
      await db.joinTokens.create({ secretSha256, cluster: name, node: again, expiresAt: soon() });
      await redeem(secretSha256, key);
    }
    await expect(redeem('r1', 'key1')).rejects.toMatchObject({
      reason: 'join-token-refused',
    });
    expect(await redeem('r2', 'key2')).toMatchObject({ certificatePem: 'pem for key2' });
  });

  test('machines that come at once with tokens for one node are it one after the other; one whose key is revoked meanwhile never is', async () => {
    const { cluster: name } = await cluster('joining-at-once');
    const raced = parseNodeName('n-raced');
    const secrets = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const secretSha256 of secrets) {
      await db.joinTokens.create({ secretSha256, cluster: name, node: raced, expiresAt: soon() });
    }
    const revoking = (async () => {
      await redeem('a', 'key a');
      return db.nodes.revoke(raced, new Date());
    })();
    const outcomes = await Promise.all([
      ...secrets.slice(1).map((secret) => redeem(secret, `key ${secret}`).catch(() => undefined)),
      revoking,
    ]);
    expect(outcomes.every((outcome) => outcome !== undefined)).toBe(true);
    const known = await db.nodes.require(raced);
    const revoked = 'SELECT certificate_fingerprint AS key FROM revoked_keys WHERE node_name = $1';
    const { rows } = await pg.query(revoked, [raced]);
    expect(known.revokedAt !== null).toBe(rows.some(({ key }) => key === known.certificateFingerprint));
    const left = await pg.query('SELECT public_key_sha256 AS key FROM join_tokens WHERE node_name = $1', [raced]);
    expect(left.rows).toEqual([{ key: known.certificateFingerprint }]);
  });

  test('tokens that have expired are forgotten', async () => {
    const { cluster: name } = await cluster('forgetting');
    const old = { secretSha256: 'e1', cluster: name, node: parseNodeName('n-old'), expiresAt: new Date(0) };
    await db.joinTokens.create(old);
    await expect(db.joinTokens.requireGood('e1', new Date())).rejects.toMatchObject({ reason: 'join-token-refused' });
    await db.joinTokens.create({ ...old, secretSha256: 'e2', expiresAt: soon() });
    await db.joinTokens.requireGood('e2', new Date());
    const { rows } = await pg.query(`SELECT secret_sha256 AS kept FROM join_tokens WHERE cluster_name = 'forgetting'`);
    expect(rows).toEqual([{ kept: 'e2' }]);
  });

  test('a token past its time, or for a node of another cluster, is refused', async () => {
    const { cluster: other } = await cluster('enrolling-other');
    const taken = db.joinTokens.create({ secretSha256: 's2', cluster: other, node, expiresAt: soon() });
    await expect(taken).rejects.toMatchObject({ reason: 'node-in-other-cluster' });
    await db.joinTokens.create({
      secretSha256: 's3',
      cluster: other,
      node: parseNodeName('n3'),
      expiresAt: new Date(0),
    });
    await expect(redeem('s3', 'key')).rejects.toMatchObject({ reason: 'join-token-refused' });
    // It may have been good when it was looked up.
    const late = { secretSha256: 's3', token: { of: 'one', cluster: other, node: parseNodeName('n3') } } as const;
    const asked = { publicKeySha256: 'key', now: new Date(), machine: '', certify: () => 'pem', audit: enrolled };
    await expect(db.joinTokens.redeem({ ...late, ...asked })).rejects.toMatchObject({ reason: 'join-token-refused' });
  });
});

const patch = (name: string, diff: string) => ({
  id: parsePatchId(sha256(name + diff)),
  name: parsePatchName(name),
  description: '',
  author: 'me',
  cves: ['CVE-2026-1'],
  combines: [],
  diff: Buffer.from(diff),
});

describe('patches and builds', () => {
  test('the same content is kept once; another under the same name is refused', async () => {
    const fix = patch('fix-once', 'diff\0bytes');
    const first = await db.patches.submit(fix);
    expect(await db.patches.submit(fix)).toEqual(first);
    expect(Buffer.from(await db.patches.diff(fix.id)).toString()).toBe('diff\0bytes');
    await expect(db.patches.submit(patch('fix-once', 'other'))).rejects.toMatchObject({ reason: 'patch-name-taken' });
    expect(await db.patches.require('fix-once')).toEqual(await db.patches.require(fix.id));
  });

  test('a build ends once; only a failure that may pass is queued again', async () => {
    await kernel();
    const { id: patchId } = await db.patches.submit(patch('builds', 'x'));
    const wish = { patch: patchId, kernelBuild, onto: [] };
    const [queued] = await db.builds.queue([wish], 'normal');
    expect(await db.builds.queue([wish], 'normal')).toEqual([queued]);
    await db.builds.progress(queued!, 1, { stage: 'compile', done: 1, total: 2 });
    expect(await db.builds.require(queued!.id)).toMatchObject({ status: 'running', progress: { stage: 'compile' } });
    await db.builds.fail(queued!, 2, { reason: 'worker-lost', message: 'a\0b', retryable: true });
    await db.builds.progress(queued!, 3, { stage: 'late', done: 0, total: 0 });
    expect(await db.builds.require(queued!.id)).toMatchObject({
      status: 'failed',
      attempts: 2,
      failure: { message: 'a\ufffdb' },
    });
    const [again] = await db.builds.queue([wish], 'normal');
    expect(again).toMatchObject({ id: queued!.id, generation: 2, status: 'queued', failure: null });
    const artifact = { ...manifest('builds', 'f'), patch: patchId };
    const explanation = [{ object: 'vmlinux', name: 'f', sympos: 0, objectPath: 'f.o', reasons: ['size'] }];
    const proofs = [{ object: 'vmlinux', vendorSha256: '0'.repeat(64), functions: 2, equal: 1, overridden: ['f'] }];
    await expect(db.builds.requireBuilt(patchId, kernelBuild)).rejects.toMatchObject({ reason: 'not-built' });
    await db.builds.succeed(queued!, 1, { artifact, explanation, proofs }); // of the run before: late
    expect(await db.builds.unfinished()).toEqual([again]);
    const lines = [{ at: new Date(5), worker: 'w', text: 'said' }];
    await db.builds.keepLog(again!, lines);
    expect(await db.builds.log(again!.id, 0, 100)).toEqual(lines);
    expect(await db.builds.log(again!.id, 1, 1)).toEqual(lines.slice(1, 2));
    expect(await db.builds.log(again!.id, lines.length, 100)).toEqual([]);
    const odd = [{ ...lines[0]!, text: 'NUL \0, and half a pair \ud83d' }];
    await db.builds.keepLog(again!, odd);
    expect(await db.builds.log(again!.id, 0, 100)).toMatchObject([{ text: 'NUL \ufffd, and half a pair \ufffd' }]);
    await db.builds.keepLog(again!, lines);
    await db.builds.succeed(again!, 1, { artifact, explanation, proofs });
    await db.builds.keepLog(again!, []);
    await db.builds.fail(again!, 1, { reason: 'late', message: '', retryable: false });
    expect(await db.builds.require(again!.id)).toMatchObject({ status: 'succeeded', artifact });
    expect(await db.builds.requireBuilt(patchId, kernelBuild)).toMatchObject([{ id: again!.id, artifact, proofs }]);
    expect(await db.builds.explanation(again!.id)).toEqual(explanation);
    expect(await db.builds.log(again!.id, 0, 100)).toEqual(lines);
    await expect(db.builds.require('x')).rejects.toMatchObject({ reason: 'unknown-build' });
  });
});

describe('stacked and cancelled builds', () => {
  const below = ['ab', 'cd'].map((byte) => parsePatchId(byte.repeat(32)));

  test('what it is built onto makes another build, its order too; each is queued once', async () => {
    await kernel();
    const { id: patchId } = await db.patches.submit(patch('stacked', 's'));
    const wish = { patch: patchId, kernelBuild, onto: [] };
    const wishes = [wish, { ...wish, onto: below }, { ...wish, onto: [...below].reverse() }];
    const twice = await Promise.all([db.builds.queue(wishes, 'low'), db.builds.queue(wishes, 'low')]);
    expect(twice[0]).toEqual(twice[1]);
    expect(new Set(twice[0].map(({ id }) => id)).size).toBe(3);
    expect(twice[0][1]).toMatchObject({ onto: below, priority: 'low' });
    expect(await db.builds.queue([wish], 'high')).toMatchObject([{ priority: 'high', generation: 1 }]);
  });

  test('callers that queue the same at once all get the same, whoever was first', async () => {
    await kernel();
    for (let round = 0; round < 40; round += 1) {
      const { id } = await db.patches.submit(patch(`race-${round}`, `s${round}`));
      const wishes = [[], below].map((onto) => ({ patch: id, kernelBuild, onto }));
      const [first, ...rest] = await Promise.all([1, 2, 3, 4].map(() => db.builds.queue(wishes, 'low')));
      for (const other of rest) expect(other).toEqual(first);
    }
  });

  test('a cancelled build has ended; asked for again it is queued again', async () => {
    await kernel();
    const { id: patchId } = await db.patches.submit(patch('cancelled', 'c'));
    const [queued] = await db.builds.queue([{ patch: patchId, kernelBuild, onto: [] }], 'normal');
    await db.builds.cancel(queued!);
    await db.builds.fail(queued!, 1, { reason: 'late', message: '', retryable: false });
    expect(await db.builds.require(queued!.id)).toMatchObject({ status: 'cancelled' });
    const [again] = await db.builds.queue([{ patch: patchId, kernelBuild, onto: [] }], 'normal');
    expect(again).toMatchObject({ id: queued!.id, status: 'queued', generation: 2 });
  });
});

describe('rollouts', () => {
  test('the newest is in force; plans follow one another without a fork', async () => {
    const log = await cluster('rolling');
    await db.loadOrders.append(log, appending(load('a', 'a')));
    const policy: RolloutPolicy = { kernelBuild, toSeq: parseSeq(1), ...defaultRules };
    const plan = planRollout({ policy, parent: null, nowMs: 0, inventory: [] });
    const first = await db.rollouts.start({ cluster: log.cluster, policy, plan });
    await expect(db.rollouts.start({ cluster: log.cluster, policy, plan })).rejects.toMatchObject({
      reason: 'rollout-running',
      message: expect.stringContaining(`Rollout ${first.id} to #1 is running`),
    });
    const another = { cluster: log.cluster, policy, plan, supersedes: ['another'] };
    await expect(db.rollouts.start(another)).rejects.toMatchObject({ reason: 'rollout-running' });
    const second = await db.rollouts.start({ ...another, supersedes: [first.id] });
    expect((await db.rollouts.require(first.id)).status).toBe('superseded');
    expect(await db.rollouts.inForce(log.cluster)).toEqual([second]);
    expect(await db.rollouts.furthest(log)).toBe(1);
    const next: RolloutPlan = { ...plan, generation: 2, parent: 1, status: 'succeeded' };
    const race = await Promise.all([1, 2, 3].map(() => db.rollouts.advance(second.id, next)));
    expect(race.filter(Boolean)).toHaveLength(1);
    expect(await db.rollouts.advance(first.id, next)).toBe(false);
    expect(await db.rollouts.require(second.id)).toMatchObject({
      status: 'succeeded',
      plan: next,
      endedAt: expect.any(Date),
    });
  });

  test('of old plans what they decided stays, their list of nodes goes, and nothing else can be changed', async () => {
    const log = await cluster('long-lived');
    const policy: RolloutPolicy = { kernelBuild, toSeq: parseSeq(1), ...defaultRules };
    const plan = planRollout({ policy, parent: null, nowMs: 0, inventory: [] });
    const { id } = await db.rollouts.start({ cluster: log.cluster, policy, plan });
    for (let generation = 2; generation <= 12; generation += 1) {
      expect(await db.rollouts.advance(id, { ...plan, generation, parent: generation - 1 })).toBe(true);
    }
    const { rows } = await pg.query<{ generation: number; keys: number }>(
      `SELECT generation, (SELECT count(*)::int FROM jsonb_object_keys(plan)) AS keys FROM rollout_plans
       WHERE rollout_id = $1 AND NOT plan ? 'nodes' ORDER BY generation`,
      [id],
    );
    const others = Object.keys(plan).length - 1;
    expect(rows).toEqual([1, 2].map((generation) => ({ generation, keys: others })));
    for (const change of [
      `UPDATE rollout_plans SET plan = plan - 'moves'`,
      `UPDATE rollout_plans SET plan = plan - 'nodes', planned_at = now()`,
      `DELETE FROM rollout_plans`,
    ]) {
      await expect(pg.query(`${change} WHERE rollout_id = $1`, [id])).rejects.toThrow('append-only');
    }
  });

  test('the newest that succeeded stays in force beside a later one that has not', async () => {
    const log = await cluster('late-comers');
    const policy: RolloutPolicy = { kernelBuild, toSeq: parseSeq(1), ...defaultRules };
    const plan = planRollout({ policy, parent: null, nowMs: 0, inventory: [] });
    const start = (status: RolloutPlan['status']) =>
      db.rollouts.start({ cluster: log.cluster, policy, plan: { ...plan, status }, supersedes: 'any' });
    await start('succeeded');
    const good = await start('succeeded');
    await start('running');
    const newest = await start('halted');
    expect(await db.rollouts.inForce(log.cluster)).toEqual([good, newest]);
  });
});
