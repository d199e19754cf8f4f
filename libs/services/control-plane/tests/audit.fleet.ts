// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { AuditRecord } from '@lockstep/contracts/generated';
import { Role } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
// eslint-disable-next-line no-restricted-imports -- it does what an attacker with the database's password would
import { Client } from 'pg';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(300_000);

let plane: TestPlane;

beforeAll(async () => {
  plane = await TestPlane.start();
});
afterAll(() => plane.stop());

async function records(afterSeq = 0): Promise<AuditRecord[]> {
  const all: AuditRecord[] = [];
  for await (const part of plane.operator.audit.readAudit({ afterSeq, last: 0, follow: false })) {
    all.push(...part.records);
  }
  return all;
}

const run = (...args: string[]) => runLockstep(plane.config.stateDir, args);
const verify = async (...args: string[]) => {
  const { code, stdout } = await run('audit', 'verify', '--json', ...args);
  return {
    code,
    ...(JSON.parse(stdout) as { whole: boolean; lastSeq: number; lastHash: string; faults: { kind: string }[] }),
  };
};

/** As a superuser who switches the triggers off. */
async function tamper(...statements: string[]): Promise<void> {
  const client = new Client(plane.endpoint.databaseUrl);
  await client.connect();
  await client.query("SET session_replication_role = 'replica'");
  for (const statement of statements) await client.query(statement);
  await client.end();
}

test('what is done, refused, or read is written down: who, what, on what, why, from where, with what result', async () => {
  expect((await run('cluster', 'create', 'web', '--why', 'ticket 17: new web hosts')).code).toBe(0);
  const viewer = plane.operatorWith(await plane.accessToken('viewer', { roles: [Role.ROLE_VIEWER] }));
  const create = (fleet: typeof viewer.fleet) => fleet.createCluster({ ...switchingToWire({}), name: 'web' });
  await expect(create(viewer.fleet)).rejects.toMatchObject({ reason: 'not-allowed' });
  await expect(create(plane.operator.fleet)).rejects.toMatchObject({ reason: 'cluster-exists' });
  await plane.enrol('web', 'web-1');
  await eventually(async () => {
    const told = (await records()).map(({ who, call, on, result }) => `${who} ${call} ${on}: ${result}`);
    const wanted = [
      'person:local-admin Fleet/CreateCluster installation: done',
      'person:local-admin Access/CreateToken installation: done',
      'person:viewer Fleet/CreateCluster installation: not-allowed',
      'person:local-admin Fleet/CreateCluster installation: cluster-exists',
      'person:local-admin Fleet/CreateJoinToken cluster web: begun',
      'stranger Enrolment/Enrol cluster web: done',
      'person:local-admin Audit/ReadAudit installation: begun',
    ];
    expect(told).toEqual(expect.arrayContaining(wanted));
  });
  const [begun, first] = await records();
  expect(begun).toMatchObject({ seq: 1, who: 'control-plane', call: 'Installation/Init', result: 'done' });
  expect(first).toMatchObject({ token: 'local-admin', because: 'ticket 17: new web hosts', details: '{"name":"web"}' });
  expect(first?.from).toMatch(/^127\.0\.0\.1:\d+$/);
  const secrets = (await records()).filter(({ details }) => /lsjoin1|lockstep_/.test(details));
  expect(secrets).toEqual([]);
});

test('whoever follows sees what is done as it is done', async () => {
  const abort = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    const request = { afterSeq: 0, last: 1, follow: true };
    for await (const part of plane.operator.audit.readAudit(request, { signal: abort.signal })) {
      seen.push(...part.records.map(({ details }) => details));
    }
  })().catch(() => undefined);
  await eventually(() => {
    expect(seen.length).toBeGreaterThan(0);
  });
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'seen' });
  await eventually(() => {
    expect(seen).toContain('{"name":"seen"}');
    // Whoever was not told reads again after five seconds.
  }, 4_500);
  abort.abort();
  await following;
});

test('behind any number there is nothing, however high somebody asks', async () => {
  for (const after of [2 ** 31 - 2, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER])
    expect([after, await records(after)]).toEqual([after, []]);
});

test('a whole log verifies, here and from an export on a machine that has the public key alone', async () => {
  expect(await verify()).toMatchObject({ code: 0, whole: true, faults: [] });
  const [file, key] = ['audit.jsonl', 'log-key.pem'].map((name) => path.join(plane.folder.path, name)) as [
    string,
    string,
  ];
  expect((await run('audit', 'export', file, '--key-out', key)).code).toBe(0);
  const offline = await verify('--file', file, '--key', key);
  expect(offline).toMatchObject({ code: 0, whole: true });
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const check = async (some: readonly string[]) => {
    await writeFile(`${file}.changed`, `${some.join('\n')}\n`);
    const { code, faults } = await verify('--file', `${file}.changed`, '--key', key);
    return [code, ...new Set(faults.map(({ kind }) => kind))];
  };
  const isRecord = (line: string) => line.startsWith('{"record"');
  const at = lines.findIndex((line) => isRecord(line) && line.includes('cluster-exists'));
  expect(at).toBeGreaterThan(0);
  expect(
    await check(lines.map((line, index) => (index === at ? line.replace('cluster-exists', 'done') : line))),
  ).toEqual([1, 'edited']);
  expect(await check(lines.filter((_, index) => index !== at))).toContain('missing');
  const [firstTwo, rest] = [lines.filter(isRecord).slice(0, 2).reverse(), lines.filter(isRecord).slice(2)];
  expect(await check([...firstTwo, ...rest, ...lines.filter((line) => !isRecord(line))])).toContain('missing');
  const cut = lines.filter((line, index) => !isRecord(line) || index < at);
  expect(await check(cut)).toContain('truncated');
  // An auditor who kept the last record sees that an older export was handed out as a newer one.
  const known = `${offline.lastSeq}:${offline.lastHash}`;
  expect(await verify('--after', known)).toMatchObject({ code: 0, whole: true });
});

test('whoever edits, takes out or cuts off rows in the database is found out', async () => {
  const { lastSeq } = await verify();
  await expect(tamperHonestly()).rejects.toThrow('what was audited is never changed');
  await tamper(`UPDATE audit_events SET who = 'person:mallory' WHERE seq = 2`);
  expect(await verify()).toMatchObject({ code: 1, whole: false, faults: [{ kind: 'edited' }] });
  await tamper(`UPDATE audit_events SET who = 'person:local-admin' WHERE seq = 2`);
  expect(await verify()).toMatchObject({ code: 0, whole: true });
  await tamper(
    `CREATE TABLE kept AS SELECT * FROM audit_events WHERE seq = 3`,
    `DELETE FROM audit_events WHERE seq = 3`,
  );
  expect((await verify()).faults[0]).toMatchObject({ kind: 'missing' });
  await tamper(`INSERT INTO audit_events SELECT * FROM kept`);
  expect(await verify()).toMatchObject({ code: 0, whole: true });
  // With its checkpoints: only the state folder knows that there was more.
  await tamperBeforeRestart(
    `DELETE FROM audit_events WHERE seq > ${lastSeq}`,
    `DELETE FROM audit_checkpoints WHERE seq > ${lastSeq}`,
  );
  const lost = (await records(lastSeq)).find(({ result }) => result === 'records-lost');
  expect(lost).toMatchObject({ who: 'control-plane', call: 'Audit/Start' });
});

/** Without switching anything off. */
async function tamperHonestly(): Promise<void> {
  const client = new Client(plane.endpoint.databaseUrl);
  await client.connect();
  try {
    await client.query(`UPDATE audit_events SET who = 'person:mallory' WHERE seq = 2`);
  } finally {
    await client.end();
  }
}

/** What is cut off now is missed at the next start. */
async function tamperBeforeRestart(...statements: string[]): Promise<void> {
  await tamper(...statements);
  await plane.down();
  await plane.up();
}
