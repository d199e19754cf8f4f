// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { openCertificateAuthority } from '@lockstep/io/certificates';
import { startEmbeddedPostgres } from '@lockstep/io/database';
import { connectOperator } from '@lockstep/io/rpc-client';
import { bundle } from '@lockstep/testing/dev-fleet';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { pino } from 'pino';
import { createControlPlane, initialise, readControlPlaneConfig, type ControlPlane } from '../index';

jest.setTimeout(180_000);

// A control plane is set up by an order of its own; a start makes no keys.

let folder: TemporaryFolder;
let env: Record<string, string>;
const log = pino({ level: 'silent' });
const state = (name = ''): string => path.join(folder.path, 'state', name);
const config = (over: Record<string, string> = {}) => readControlPlaneConfig({ ...env, ...over });
const make = (over: Record<string, string> = {}): ControlPlane =>
  createControlPlane(config(over), { log, onFatal: () => undefined });

interface Typed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const type = (...args: string[]): Promise<Typed> =>
  new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env } };
    execFile(process.execPath, [bundle('control-plane'), ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

beforeAll(async () => {
  folder = await temporaryFolder('init');
  env = {
    LOCKSTEP_STATE_DIR: state(),
    LOCKSTEP_OPERATOR_PORT: String(await freePort()),
    LOCKSTEP_AGENT_PORT: String(await freePort()),
    LOCKSTEP_POSTGRES_PORT: String(await freePort()),
    LOCKSTEP_MONITORING_LISTEN: 'off',
  };
});
afterAll(() => folder.remove());

test('a start without init makes nothing, and says what to type', async () => {
  const { code, stderr } = await type();
  expect(code).toBe(1);
  expect(stderr).toContain('node dist/control-plane.js init');
  expect(existsSync(state())).toBe(false);
});

test('what is no command is told', async () => {
  expect(await type('inti')).toMatchObject({ code: 1, stderr: expect.stringContaining('"inti" is no command') });
  expect(await type('init', '--hurry')).toMatchObject({ code: 1, stderr: expect.stringContaining('--if-needed') });
  expect(existsSync(state())).toBe(false);
});

test('init says once what it made, and its secret to nobody but who sits there', async () => {
  const { code, stdout } = await type('init');
  expect(code).toBe(0);
  const token = readFileSync(state('operator.token'), 'utf8').trim();
  expect(stdout).toContain(state('operator.token'));
  expect(stdout).not.toContain(token);
  expect(stdout).toMatch(/its key +sha256 [0-9a-f]{64}\n/);
  expect(readdirSync(state('pki'))).toEqual(
    expect.arrayContaining(['ca.key', 'ca.crt', 'log-signing.key', 'database-id']),
  );
  // Nothing goes on running.
  expect(existsSync(state('postgres/data/postmaster.pid'))).toBe(false);
});

test('said again it changes nothing', async () => {
  const before = readFileSync(state('pki/ca.key'), 'utf8');
  expect(await type('init')).toMatchObject({ code: 1, stderr: expect.stringContaining('were made before') });
  expect(await type('init', '--if-needed')).toMatchObject({ code: 0 });
  expect(readFileSync(state('pki/ca.key'), 'utf8')).toBe(before);
});

test('what was set up starts, and its admin is let in', async () => {
  const plane = make();
  const { operatorAddress: address } = await plane.start();
  const operator = connectOperator({
    ...{ address, ca: readFileSync(state('pki/ca.crt')) },
    token: readFileSync(state('operator.token'), 'utf8'),
  });
  const { token } = await operator.access.whoAmI({});
  expect(token?.name).toBe('local-admin');
  // With which keys it all began is the first thing that is written down.
  const read = [];
  for await (const { records } of operator.audit.readAudit({ afterSeq: 0, last: 0, follow: false }))
    read.push(...records);
  expect(read[0]).toMatchObject({ seq: 1, who: 'control-plane', call: 'Installation/Init', result: 'done' });
  // Beside one that runs there is nothing to set up.
  await expect(initialise(config(), log)).rejects.toMatchObject({ kind: 'refused', reason: 'already-running' });
  operator.close();
  await plane.stop();
});

test('an init that was cut off is gone on with; a start in between says so', async () => {
  await rm(state('pki/database-id'));
  await rm(state('operator.token'));
  const { adminToken, databaseId } = await initialise(config(), log);
  expect(readFileSync(state('operator.token'), 'utf8').trim()).toBe(adminToken);
  expect(readFileSync(state('pki/database-id'), 'utf8').trim()).toBe(databaseId);

  const other = path.join(folder.path, 'half');
  const half = config({ LOCKSTEP_STATE_DIR: other });
  const pki = path.join(other, 'pki');
  await openCertificateAuthority({ dir: pki, names: ['localhost'], mayMakeKeys: true });
  await rm(path.join(pki, 'log-signing.key'));
  const before = readFileSync(path.join(pki, 'ca.key'), 'utf8');
  await expect(createControlPlane(half, { log }).start()).rejects.toMatchObject({ reason: 'not-initialised' });
  expect(existsSync(path.join(pki, 'log-signing.key'))).toBe(false);
  await initialise(half, log);
  expect(readFileSync(path.join(pki, 'ca.key'), 'utf8')).toBe(before);
  // Its database names these keys now: whichever is gone is lost.
  await rm(path.join(pki, 'log-signing.key'));
  await expect(initialise(half, log)).rejects.toMatchObject({ reason: 'pki-not-of-this-database' });
});

test('a data folder of before there was an init goes on', async () => {
  const old = { LOCKSTEP_STATE_DIR: path.join(folder.path, 'old'), LOCKSTEP_AUTO_INIT: 'on' };
  const first = make(old);
  await first.start();
  await first.stop();
  const { LOCKSTEP_STATE_DIR } = old;
  const again = make({ LOCKSTEP_STATE_DIR });
  await again.start();
  await again.stop();
});

test('a new database elsewhere is not filled by a start either', async () => {
  const own = await startEmbeddedPostgres({ dir: path.join(folder.path, 'elsewhere'), port: await freePort() });
  try {
    const over = { LOCKSTEP_STATE_DIR: path.join(folder.path, 'client'), LOCKSTEP_DATABASE_URL: own.url };
    await expect(make(over).start()).rejects.toMatchObject({ kind: 'refused', reason: 'not-initialised' });
    await initialise(config(over), log);
    const plane = make(over);
    await plane.start();
    await plane.stop();
  } finally {
    await own.stop();
  }
});
