// SPDX-License-Identifier: GPL-2.0-only
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { isProcessAlive, makeFolder, readIfPresent, readOrCreate, syncFolder } from '@lockstep/platform/runtime';
import { keepLogBounded } from './bounded-log';
import { openSession } from './connection';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries';
import { chooseServerAccount, type ServerAccount } from './server-account';

export interface EmbeddedPostgresOptions {
  /** Holds `data/`, `password`, `postgres.log`. */
  readonly dir: string;
  readonly port: number;
}

export interface EmbeddedPostgres {
  readonly url: string;
  /** A server that an earlier process had left behind was taken over. */
  readonly adopted: boolean;
  stop(): Promise<void>;
}

const userName = 'lockstep';
/** After a crash the server replays its log first. */
const startTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;
const pollMs = 25;

interface Cluster {
  readonly dir: string;
  readonly dataDir: string;
  readonly password: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount;
}

function failedToStart(message: string, fields: Record<string, string | number>, cause?: unknown): LockstepError {
  return new LockstepError('unavailable', 'postgres-failed', `PostgreSQL did not start: ${message}`, fields, { cause });
}

const logOf = (dir: string): string => path.join(dir, 'postgres.log');

async function logTail(dir: string): Promise<string> {
  const text = await readFile(logOf(dir), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-5).join('\n');
}

/** Starts a program of the server as the server's account, in a session of its own: Ctrl-C is ours to handle. */
async function launch(cluster: Cluster, program: keyof PostgresBinaries, args: string[]): Promise<ChildProcess> {
  const [command = '', ...rest] = [...cluster.account.prefix, cluster.binaries[program], ...args];
  const log = await open(logOf(cluster.dir), 'a', 0o600);
  try {
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
    return spawn(command, rest, { stdio: ['ignore', log.fd, log.fd], detached: true, env, cwd: '/' });
  } finally {
    await log.close();
  }
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });

/** Makes the data folder, whole or not at all: initdb works beside it, and a rename puts it in place. */
async function initialise(cluster: Cluster): Promise<void> {
  if (await stat(cluster.dataDir).catch(() => undefined)) return;
  const { owner } = cluster.account;
  const fresh = `${cluster.dataDir}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  const secretDir = await mkdtemp(path.join(tmpdir(), 'lockstep-initdb-'));
  try {
    const passwordFile = path.join(secretDir, 'password');
    await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
    if (owner !== null) for (const file of [fresh, secretDir, passwordFile]) await chown(file, owner.uid, owner.gid);
    const child = await launch(cluster, 'initdb', [
      `--pgdata=${fresh}`,
      `--username=${userName}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
    ]);
    if ((await ended(child)) !== 0) throw failedToStart(await logTail(cluster.dir), { step: 'initdb' });
  } finally {
    await rm(secretDir, { recursive: true, force: true });
  }
  await rename(fresh, cluster.dataDir);
  await syncFolder(cluster.dir);
}

/** `postgres (PostgreSQL) 18.4` */
async function majorVersionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version']);
  return /(\d+)(?:\.\d+|\w+)?\s*$/.exec(stdout)?.[1] ?? stdout.trim();
}

/** A new major version reads no data of an older one, and says so in its log only. */
async function refuseOtherVersion({ dataDir, binaries }: Cluster): Promise<void> {
  const found = (await readIfPresent(path.join(dataDir, 'PG_VERSION')))?.trim();
  const ours = await majorVersionOf(binaries.postgres);
  if (found === undefined || found === ours) return;
  const message =
    `${dataDir} was written by PostgreSQL ${found}, and this version of Lockstep brings ${ours}, which cannot read it. Start the version of ` +
    `Lockstep that wrote it, save the database with pg_dump, move the folder away, and restore it here; or run PostgreSQL yourself ` +
    `(LOCKSTEP_DATABASE_URL), as is right for all but a trial, and use pg_upgrade.`;
  throw new LockstepError('refused', 'postgres-other-version', message, { dataDir, found, ours });
}

interface RunningServer {
  readonly pid: number;
  readonly port: number;
}

/** The server that runs on the data folder now. A pid file whose process is another program is removed. */
async function findRunning(dataDir: string): Promise<RunningServer | undefined> {
  const file = path.join(dataDir, 'postmaster.pid');
  const [pidText = '', , , portText = ''] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const pid = Number(pidText);
  if (pidText === '' || !Number.isSafeInteger(pid)) return undefined;
  const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  if (commandLine.includes(dataDir)) return { pid, port: Number(portText) };
  await rm(file, { force: true });
  return undefined;
}

const urlOf = (password: string, port: number, database = userName): string =>
  `postgresql://${userName}:${password}@127.0.0.1:${port}/${database}`;

async function ensureDatabase(url: string): Promise<void> {
  const client = await openSession(url);
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [userName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${userName}`);
  } finally {
    await client.end();
  }
}

/** Refused, starting up or shutting down: worth another try; anything else is not. */
function isNotYet(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === '57P03' || code === '57P01';
}

function portTaken(port: number): LockstepError {
  const message = `Port ${port} for PostgreSQL is in use by another program: set LOCKSTEP_POSTGRES_PORT to a free one.`;
  return new LockstepError('unavailable', 'port-taken', message, { port });
}

function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}

/** The children of a killed server hold its port until they notice, which takes moments. */
const portPatienceMs = 5_000;

/** Asked before the server is started: whoever holds the port might answer in its place. */
async function waitForPort(port: number): Promise<void> {
  const deadline = performance.now() + portPatienceMs;
  while (!(await isPortFree(port))) {
    if (performance.now() > deadline) throw portTaken(port);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function startServer(cluster: Cluster, port: number): Promise<ChildProcess> {
  await waitForPort(port);
  return launch(cluster, 'postgres', [
    '-D',
    cluster.dataDir,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    'unix_socket_directories=',
  ]);
}

async function explainExit(cluster: Cluster, port: number): Promise<LockstepError> {
  const tail = await logTail(cluster.dir);
  const taken = /could not create any TCP\/IP sockets|Address already in use/.test(tail);
  return taken ? portTaken(port) : failedToStart(tail, { dir: cluster.dir });
}

/** Starts the server, or takes over the one that runs; resolves when the database answers. */
async function bringUp(cluster: Cluster, port: number): Promise<{ pid: number; port: number; adopted: boolean }> {
  const deadline = performance.now() + startTimeoutMs;
  let child: ChildProcess | undefined;
  while (performance.now() < deadline) {
    const running = await findRunning(cluster.dataDir);
    if (running === undefined && child === undefined) child = await startServer(cluster, port);
    if (child !== undefined && child.exitCode !== null) throw await explainExit(cluster, port);
    const at = running !== undefined && running.port > 0 ? running : undefined;
    try {
      if (at !== undefined) {
        await ensureDatabase(urlOf(cluster.password, at.port, 'postgres'));
        return { ...at, adopted: child === undefined };
      }
    } catch (error) {
      if (!isNotYet(error)) throw failedToStart(String(error), { dir: cluster.dir }, error);
    }
    await sleep(pollMs);
  }
  throw failedToStart(`no answer within ${startTimeoutMs} ms\n${await logTail(cluster.dir)}`, { dir: cluster.dir });
}

/** SIGINT is PostgreSQL's fast shutdown: clients are cut off, everything is written. */
async function stopServer(cluster: Cluster): Promise<void> {
  const running = await findRunning(cluster.dataDir);
  if (running === undefined) return;
  process.kill(running.pid, 'SIGINT');
  const deadline = performance.now() + stopTimeoutMs;
  while (isProcessAlive(running.pid) && performance.now() < deadline) await sleep(pollMs);
  if (isProcessAlive(running.pid)) process.kill(running.pid, 'SIGKILL');
}

/**
 * A PostgreSQL server of our own on 127.0.0.1. Outlives a killed parent; the next start takes it over.
 * @throws LockstepError `unavailable`: `port-taken`, `postgres-missing`, `postgres-failed` with the server's last words;
 * `refused` `postgres-other-version`.
 */
export async function startEmbeddedPostgres({ dir, port }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  await makeFolder(dir);
  const dataDir = path.join(path.resolve(dir), 'data');
  const cluster: Cluster = {
    dir,
    dataDir,
    password: await readOrCreate(path.join(dir, 'password'), () => randomBytes(24).toString('base64url')),
    binaries: await findPostgresBinaries(),
    account: await chooseServerAccount(dataDir),
  };
  await initialise(cluster);
  await refuseOtherVersion(cluster);
  const up = await bringUp(cluster, port);
  const leaveLog = keepLogBounded(logOf(cluster.dir));
  return {
    url: urlOf(cluster.password, up.port),
    adopted: up.adopted,
    stop: async () => {
      leaveLog();
      await stopServer(cluster);
    },
  };
}
