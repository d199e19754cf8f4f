// SPDX-License-Identifier: GPL-2.0-only
import { createHash, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  AccessServiceService,
  AuditServiceService,
  BuildServiceService,
  CampaignServiceService,
  FleetServiceService,
  Role,
  StartRolloutRequest,
  SubmitPatchRequest,
} from '@lockstep/contracts/generated';
import { operatorCalls, roleFromWire, switchingToWire, type OperatorCallName } from '@lockstep/contracts/wire';
import { verbsOf } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import { runLockstep } from '@lockstep/testing/dev-fleet';
// eslint-disable-next-line no-restricted-imports -- it looks at what is kept of a secret, which no interface shows
import { Client } from 'pg';
import { AwakeTime } from './awake-time';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(300_000);

const watchedMs = 1_000;

let plane: TestPlane;

beforeAll(async () => {
  plane = await TestPlane.start({ LOCKSTEP_WEBHOOK_LOCAL: 'on' });
  for (const name of ['web', 'db']) await plane.operator.fleet.createCluster({ ...switchingToWire({}), name });
  await plane.work(plane.honestWorker);
  await plane.addKernel();
});
afterAll(() => plane.stop());

const reasonOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error as LockstepError).reason,
  );

const definitions = {
  ...FleetServiceService,
  ...BuildServiceService,
  ...AccessServiceService,
  ...AuditServiceService,
  ...CampaignServiceService,
};

type AnyCall = (request: object, options: object) => Promise<unknown> | AsyncIterable<unknown>;

/** Makes a call with an empty request and says why it was refused; what is asked for is of no cluster that there is. */
async function tryCall(client: OperatorClient, name: OperatorCallName): Promise<string> {
  const service = (['fleet', 'build', 'access', 'audit', 'campaigns'] as const).find((each) => name in client[each])!;
  const { requestDeserialize } = definitions[name];
  const call = (client[service] as unknown as Record<string, AnyCall>)[name]!;
  const abort = new AbortController();
  const answer = call(requestDeserialize(Buffer.alloc(0)), { signal: abort.signal });
  if (!(Symbol.asyncIterator in answer)) return reasonOf(answer);
  const first = answer[Symbol.asyncIterator]().next();
  // Who watches and is let in may hear nothing for a long time; a refusal comes at once.
  return Promise.race([reasonOf(first), delay(watchedMs, 'answered')]).finally(() => {
    abort.abort();
  });
}

const allRoles = [
  Role.ROLE_VIEWER,
  Role.ROLE_AUDITOR,
  Role.ROLE_OPERATOR,
  Role.ROLE_APPROVER,
  Role.ROLE_ADMIN,
] as const;

test.each(allRoles)('role %s may make the calls whose verb it has, and no others', async (role) => {
  const word = roleFromWire(role);
  const client = plane.operatorWith(await plane.accessToken(`only-${word}`, { roles: [role] }));
  const denied: string[] = [];
  const names = Object.keys(operatorCalls) as OperatorCallName[];
  for (const name of names) if ((await tryCall(client, name)) === 'not-allowed') denied.push(name);
  expect(denied).toEqual(names.filter((name) => !verbsOf[word].includes(operatorCalls[name].verb)));
});

test('a token for one cluster sees and does nothing in others, nor anything that is of none', async () => {
  const { client: agent } = await plane.enrol('db', 'db-1');
  agent.close();
  const scope = { everywhere: false, clusters: ['web'], selector: '' };
  const roles = [Role.ROLE_ADMIN];
  const { fleet, build, access } = plane.operatorWith(await plane.accessToken('web-admin', { roles, scope }));
  expect((await fleet.listClusters({})).clusters.map(({ name }) => name)).toEqual(['web']);
  expect((await fleet.listNodes({ cluster: '', selector: '', withoutCve: '' })).nodes).toEqual([]);
  expect(await reasonOf(fleet.getOrder({ cluster: 'web', kernelBuildId: '' }))).toBe('answered');
  expect(await reasonOf(build.listKernels({}))).toBe('answered');
  const join = (cluster: string) => fleet.createJoinToken({ cluster, node: 'n', ttlSeconds: 0, allow: '', count: 0 });
  expect(await reasonOf(join('web'))).toBe('answered');
  const refused: Promise<unknown>[] = [
    fleet.listNodes({ cluster: 'db', selector: '', withoutCve: '' }),
    fleet.getOrder({ cluster: 'db', kernelBuildId: '' }),
    fleet.getNode({ name: 'db-1' }),
    // No word on whether there is one.
    fleet.getNode({ name: 'no-such-node' }),
    fleet.removeNode({ name: 'db-1' }),
    join('db'),
    fleet.startRollout(StartRolloutRequest.fromPartial({ cluster: 'db' })),
    fleet.createCluster({ ...switchingToWire({}), name: 'mine' }),
    access.listTokens({ all: false, sessions: false }),
    access.revokeToken({ name: 'local-admin' }),
  ];
  expect(new Set(await Promise.all(refused.map(reasonOf)))).toEqual(new Set(['not-allowed']));
});

test('a token for nodes by their labels sees and moves these alone, and decides nothing for their cluster', async () => {
  const { fleet: admin } = plane.operator;
  await admin.createCluster({ ...switchingToWire({}), name: 'lab' });
  for (const [name, env] of Object.entries({ 's-1': 'staging', 's-2': 'staging', 'p-1': 'prod' })) {
    (await plane.enrol('lab', name)).client.close();
    await admin.labelNodes({ names: [name], set: { env }, remove: [], overwrite: false });
  }
  const roles = [Role.ROLE_ADMIN];
  const scope = { everywhere: false, clusters: ['lab'], selector: 'env=staging' };
  const { fleet } = plane.operatorWith(await plane.accessToken('staging', { roles, scope }));
  const names = async () =>
    (await fleet.listNodes({ cluster: '', selector: '', withoutCve: '' })).nodes.map(({ name }) => name);
  expect(await names()).toEqual(['s-1', 's-2']);
  expect((await fleet.getCensus({ cluster: '' })).clusters).toMatchObject([{ cluster: 'lab', nodes: 2 }]);
  expect((await fleet.getExposure({ cluster: '', selector: '', cves: [] })).nodes.map(({ name }) => name)).toEqual(
    await names(),
  );
  expect((await fleet.listRollouts({ cluster: 'lab' })).rollouts).toEqual([]);
  const told = await fleet.listEvents({ types: [], cluster: 'lab', limit: 0 });
  expect(told.events.filter(({ subject }) => subject === 'p-1')).toEqual([]);
  const label = (labelled: readonly string[], set: Record<string, string>) =>
    fleet.labelNodes({ names: [...labelled], set, remove: [], overwrite: true });
  const roll = StartRolloutRequest.fromPartial({ cluster: 'lab' });
  const refused: Promise<unknown>[] = [
    fleet.getNode({ name: 'p-1' }),
    fleet.revokeNode({ name: 'p-1' }),
    label(['s-1', 'p-1'], { team: 'a' }),
    // Nor puts it where others have it.
    label(['s-1'], { env: 'prod' }),
    fleet.planRollout({ rollout: roll }),
    fleet.createJoinToken({ cluster: 'lab', node: 'n', ttlSeconds: 0, allow: '', count: 0 }),
    fleet.appendRetire({ cluster: 'lab', kernelBuildId: '', seq: 1, expectedSeq: 0 }),
    fleet.updateCluster({ name: 'lab' }),
    fleet.createCluster({ ...switchingToWire({}), name: 'mine' }),
  ];
  expect(new Set(await Promise.all(refused.map(reasonOf)))).toEqual(new Set(['not-allowed']));
  await expect(fleet.startRollout(roll)).rejects.toThrow(
    'person:staging may not roll-out these 1 of the 3 nodes: p-1. Its token has the roles: admin, for nodes with env=staging.',
  );
  expect(await reasonOf(label(['s-1', 's-2'], { team: 'a' }))).toBe('answered');
  expect(await reasonOf(fleet.getNode({ name: 's-1' }))).toBe('answered');
  expect(await reasonOf(fleet.getOrder({ cluster: 'lab', kernelBuildId: '' }))).not.toBe('not-allowed');
  // Its rights follow the labels.
  await admin.labelNodes({ names: ['p-1'], set: { env: 'staging' }, remove: [], overwrite: true });
  expect(await names()).toEqual(['p-1', 's-1', 's-2']);
  expect(await reasonOf(fleet.startRollout(roll))).not.toBe('not-allowed');
});

test('who may add a webhook for a cluster sees and removes that one, and none of others', async () => {
  const secret = `whsec_${'A'.repeat(32)}`;
  const add = (fleet: typeof plane.operator.fleet, name: string, cluster: string) =>
    fleet.addWebhook({ name, url: 'http://127.0.0.1:9/', types: [], cluster, secret: Buffer.from(secret) });
  const scope = { everywhere: false, clusters: ['web'], selector: '' };
  const { fleet } = plane.operatorWith(await plane.accessToken('web-hooks', { roles: [Role.ROLE_ADMIN], scope }));
  await add(plane.operator.fleet, 'of-all', '');
  await add(fleet, 'of-web', 'web');
  expect((await fleet.listWebhooks({})).webhooks.map(({ name }) => name)).toEqual(['of-web']);
  expect(await reasonOf(fleet.removeWebhook({ name: 'of-all' }))).toBe('not-allowed');
  expect(await reasonOf(fleet.removeWebhook({ name: 'of-web' }))).toBe('answered');
  await plane.operator.fleet.removeWebhook({ name: 'of-all' });
});

test('calls with tokens that nobody has are one record of the audit, with how many they were', async () => {
  const { fleet } = plane.operatorWith('no-such-token');
  expect(await Promise.all([1, 2, 3].map(() => reasonOf(fleet.listClusters({}))))).toContain('token-wrong');
  await eventually(async () => {
    const { code, stdout } = await runLockstep(plane.config.stateDir, ['audit', 'ls', '--json']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Access/Identify')]);
  });
});

test('a token that is revoked ends at once, and so does a watch that was begun with it', async () => {
  const secret = await plane.accessToken('watcher', { roles: [Role.ROLE_VIEWER] });
  const { fleet, build } = plane.operatorWith(secret);
  await plane.stopWorkers();
  const diff = Buffer.from('b');
  const { builds } = await plane.operator.build.submitPatch(SubmitPatchRequest.fromPartial({ name: 'waits', diff }));
  const { id } = builds[0]!;
  const watch = build.watchBuild({ id, fromLine: 0 })[Symbol.asyncIterator]();
  expect((await watch.next()).value).toMatchObject({ build: { id } });
  const ended = reasonOf(
    (async () => {
      while ((await watch.next()).done !== true);
    })(),
  );
  await plane.operator.access.revokeToken({ name: 'watcher' });
  using since = new AwakeTime();
  expect(await ended).toBe('token-revoked');
  expect(since.ms).toBeLessThan(1_000);
  expect(await reasonOf(fleet.listClusters({}))).toBe('token-revoked');
  // Its name is free again; its secret is not.
  expect(await reasonOf(plane.accessToken('watcher', {}))).toBe('token-secret-taken');
});

test('no secret is kept, and who comes with none, a wrong one or one that has expired is told so', async () => {
  const secret = await plane.accessToken('short-lived', { ttlSeconds: 1 });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const ask = (token: string) => reasonOf(plane.operatorWith(token).fleet.listClusters({}));
  expect(await ask(secret)).toBe('token-expired');
  expect(await ask('lockstep_made-up')).toBe('token-wrong');
  expect(await ask('')).toBe('token-missing');
  const admin = (await readFile(path.join(plane.config.stateDir, 'operator.token'), 'utf8')).trim();
  const client = new Client(plane.endpoint.databaseUrl);
  await client.connect();
  const { rows } = await client.query<{ row: string }>('SELECT access_tokens::text AS row FROM access_tokens');
  await client.end();
  expect(rows.length).toBeGreaterThan(3);
  expect(rows.filter(({ row }) => row.includes(secret) || row.includes(admin))).toEqual([]);
});

test('a client certificate is a token without a secret: it lets in, holds where it was given, and ends at once', async () => {
  const run = (...args: string[]) => runLockstep(plane.config.stateDir, args);
  const file = path.join(plane.folder.path, 'carol.pem');
  const create = ['token', 'create', 'carol', '--owner', 'carol', '--role', 'viewer', '--cluster', 'web'];
  const made = await run(...create, '--certificate-out', file);
  expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('person:carol')]);
  const me = JSON.parse((await run('whoami', '--cert-file', file, '--json')).stdout) as { token: object };
  expect(me.token).toMatchObject({ name: 'carol', owner: 'carol', certificate: true, scope: { clusters: ['web'] } });
  const pem = await readFile(file, 'utf8');
  const withCertificate = { address: plane.endpoint.operatorAddress, ca: plane.ca, clientCertificate: pem };
  const carol = connectOperator(withCertificate);
  expect((await carol.fleet.listClusters({})).clusters.map(({ name }) => name)).toEqual(['web']);
  expect(await reasonOf(carol.fleet.createCluster({ ...switchingToWire({}), name: 'mine' }))).toBe('not-allowed');
  // What everybody may read of it proves nothing; nor does a node's certificate here.
  const secret = createHash('sha256').update(new X509Certificate(pem.slice(pem.indexOf('-----BEGIN C'))).raw);
  expect(await reasonOf(plane.operatorWith(secret.digest('hex')).fleet.listClusters({}))).toBe('token-wrong');
  const node = await plane.credentials('web', 'web-9');
  const asNode = connectOperator({ ...withCertificate, clientCertificate: `${node.key}${node.certificate}` });
  expect(await reasonOf(asNode.fleet.listClusters({}))).toBe('token-wrong');
  asNode.close();
  // By the connection that stands.
  expect((await run('token', 'revoke', 'carol')).code).toBe(0);
  expect(await reasonOf(carol.fleet.listClusters({}))).toBe('token-revoked');
  carol.close();
});

test('what a build worker takes jobs with opens nothing of the database but the queue', async () => {
  const owner = new Client(plane.endpoint.databaseUrl);
  await owner.connect();
  const { rows: tables } = await owner.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'bullmq')`,
  );
  await owner.end();
  expect(tables.length).toBeGreaterThan(20);
  const worker = new Client(plane.endpoint.queueUrl);
  await worker.connect();
  const refusal = (sql: string): Promise<string> =>
    worker.query(sql).then(
      () => `answered: ${sql}`,
      (error: unknown) => (error as { code?: string }).code ?? 'no code',
    );
  for (const sql of [
    ...tables.flatMap(({ name }) => [`SELECT 1 FROM ${name}`, `DELETE FROM ${name}`]),
    'SELECT rolpassword FROM pg_authid',
    "SELECT pg_read_file('postgresql.conf')",
    "COPY bullmq.meta FROM PROGRAM 'true'",
    'CREATE TABLE public.mine (n int)',
    'CREATE TABLE bullmq.mine (n int)',
    'CREATE TEMPORARY TABLE mine (n int)',
    'CREATE ROLE mine',
    'SET ROLE lockstep',
    'ALTER TABLE bullmq.job DISABLE TRIGGER ALL',
  ]) {
    expect(await refusal(sql)).toBe('42501');
  }
  expect(await refusal('SELECT count(*) FROM bullmq.job')).toContain('answered');
  await worker.end();
});

test('who may not is turned away before a byte of the body has come', async () => {
  const viewer = await plane.accessToken('viewer', { roles: [Role.ROLE_VIEWER] });
  const session = connectHttp2(`https://${plane.endpoint.operatorAddress}`, { ca: plane.ca });
  const statusOf = async (path: string, token?: string, body?: Buffer): Promise<string> => {
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) });
    // Unless something is written the stream stays open: an answer comes only if nothing is waited for.
    if (body !== undefined) stream.end(body);
    const status = await new Promise<string>((resolve, reject) => {
      const take = (all: IncomingHttpHeaders): void => {
        const [code, reason] = [all['grpc-status'], all['lockstep-reason']];
        if (typeof code === 'string' && typeof reason === 'string') resolve(`${code} ${reason}`);
      };
      stream.on('response', take).on('trailers', take).on('error', reject);
    });
    stream.close(constants.NGHTTP2_CANCEL);
    return status;
  };
  const submit = BuildServiceService.submitPatch.path;
  expect(await statusOf(submit)).toBe('16 token-missing');
  expect(await statusOf(submit, viewer)).toBe('7 not-allowed');
  // A message of two bytes that begins a field and ends in it.
  const admin = (await readFile(path.join(plane.config.stateDir, 'operator.token'), 'utf8')).trim();
  expect(await statusOf(submit, admin, Buffer.from([0, 0, 0, 0, 2, 0x0a, 0xff]))).toBe('3 unreadable-request');
  session.close();
});

test('the one token of before goes on to be an admin, and one that is written into its file takes its place', async () => {
  const file = path.join(plane.config.stateDir, 'operator.token');
  const before = await readFile(file, 'utf8');
  const old = 'an-operator-token-as-it-was-before-there-were-roles';
  await plane.down();
  await writeFile(file, `${old}\n`);
  await plane.up();
  const { token } = await plane.operator.access.whoAmI({});
  expect(token).toMatchObject({ owner: 'local-admin', roles: [Role.ROLE_ADMIN], scope: { everywhere: true } });
  expect(await reasonOf(plane.operatorWith(before).access.whoAmI({}))).toBe('token-revoked');
  // What was used before the stop is known after it.
  const { tokens } = await plane.operator.access.listTokens({ all: true, sessions: false });
  expect(tokens.find(({ name }) => name === 'viewer')?.lastUsedAt).toBeInstanceOf(Date);
});

test('the commands make, list and revoke tokens, and tell who one is', async () => {
  const run = (...args: string[]) => runLockstep(plane.config.stateDir, args);
  const file = path.join(plane.folder.path, 'ci.token');
  const create = [
    'token',
    'create',
    'ci',
    '--service',
    'ci',
    '--role',
    'operator',
    '--cluster',
    'web',
    '--expires',
    '12h',
    '-l',
    'env=staging',
  ];
  const made = await run(...create, '--out', file);
  expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('service:ci')]);
  const me = JSON.parse((await run('whoami', '--token-file', file, '--json')).stdout) as { token: object };
  expect(me.token).toMatchObject({
    ownerKind: 'service',
    roles: ['operator'],
    scope: { clusters: ['web'], selector: 'env=staging' },
  });
  expect((await run('token', 'ls')).stdout).toMatch(/^ci +service:ci +operator +web \(env=staging\) /m);
  const refused = await run('cluster', 'create', 'x', '--token-file', file);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('service:ci may not set-up')]);
  const taken = await run(...create, '--out', path.join(plane.folder.path, 'other.token'));
  expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('There is a token "ci" already')]);
  expect((await run('token', 'revoke', 'ci')).code).toBe(0);
  expect((await run('whoami', '--token-file', file)).stderr).toContain('"ci" was revoked');
  const both = await run('token', 'create', 'x', '--role', 'viewer', '--everywhere', '--owner', 'a', '--service', 'b');
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('--owner for a person')]);
});
