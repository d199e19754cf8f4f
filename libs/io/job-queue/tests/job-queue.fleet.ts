// SPDX-License-Identifier: GPL-2.0-only
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  LockstepError,
  parseKernelBuildId,
  parsePatchId,
  parsePatchName,
  parseSha256,
} from '@lockstep/domain/livepatch-model';
import { startPostgres } from '@lockstep/testing/local-postgres';
import { freePort, startRedis, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import {
  openJobQueue,
  startJobWorker,
  type Job,
  type JobHandler,
  type JobQueue,
  type JobResult,
  type JobState,
  type JobWorker,
  type QueueServer,
} from '../index';

jest.setTimeout(120_000);

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const job: Job = {
  kind: 'build',
  patch: parsePatchId('cd'.repeat(32)),
  patchName: parsePatchName('fix'),
  kernelBuild,
  diff: Buffer.from('--- a/x\n+++ b/x\n').toString('base64'),
};
const result: JobResult = {
  kind: 'register-kernel',
  id: kernelBuild,
  release: '6.1.0',
  compiler: 'gcc',
  configSha256: parseSha256('00'.repeat(32)),
};

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('queue');
});
afterAll(() => folder.remove());

interface Started {
  readonly server: QueueServer;
  stop(): Promise<void>;
}

const servers: Record<QueueServer['kind'], () => Promise<Started>> = {
  postgres: async () => {
    const postgres = await startPostgres(folder.path);
    return { server: { kind: 'postgres', url: postgres.url }, stop: () => postgres.stop() };
  },
  redis: async () => {
    const redis = await startRedis(folder.path);
    return { server: { kind: 'redis', url: redis.url }, stop: () => redis.stop() };
  },
};

describe.each(['postgres', 'redis'] as const)('job queue on %s', (kind) => {
  let started: Started;
  let queue: JobQueue;
  const changed = new Set<string>();
  const opened: (JobWorker | ChildProcess)[] = [];
  const onError = (): void => undefined;

  beforeAll(async () => {
    started = await servers[kind]();
    queue = await openJobQueue({ server: started.server, onChange: (id) => changed.add(id), onError });
  });
  afterAll(async () => {
    await queue.close();
    await started.stop();
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) {
      if ('kill' in each) each.kill('SIGKILL');
      else await each.close();
    }
  });

  const work = async (handler: JobHandler): Promise<void> => {
    opened.push(await startJobWorker({ server: started.server, handler, concurrency: 2, onError, lockMs: 1000 }));
  };

  async function until(id: string, wanted: (state: JobState) => boolean): Promise<JobState> {
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
      await sleep(20);
      const state = await queue.state(id);
      if (wanted(state)) return state;
    }
    throw new Error(`${id} is still ${JSON.stringify(await queue.state(id))}`);
  }
  const ended = (id: string): Promise<JobState> =>
    until(id, ({ state }) => state === 'completed' || state === 'failed');

  test('a job goes to a worker with all it carries, and its result comes back, once', async () => {
    const seen: Job[] = [];
    expect(await queue.state('j1')).toEqual({ state: 'absent' });
    await queue.add('j1', job);
    await queue.add('j1', { kind: 'register-kernel', path: '/other' });
    expect(await queue.state('j1')).toEqual({ state: 'waiting', attempts: 0 });
    await work(async (taken) => {
      seen.push(taken);
      return result;
    });
    expect(await ended('j1')).toEqual({ state: 'completed', attempts: 1, result });
    expect(seen).toEqual([job]);
    await queue.add('j1', job);
    await sleep(100);
    expect(seen).toHaveLength(1);
    expect(changed).toContain('j1');
    await queue.remove('j1');
    expect(await queue.state('j1')).toEqual({ state: 'absent' });
  });

  test('progress is seen while it runs', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await work(async (_, { onProgress }) => {
      onProgress({ stage: 'compile', done: 1, total: 4 });
      await finished;
      return result;
    });
    await queue.add('j2', job);
    const state = await until('j2', (now) => now.state === 'active' && now.progress !== undefined);
    expect(state).toMatchObject({ progress: { stage: 'compile', done: 1, total: 4 }, attempts: 1 });
    finish();
    expect((await ended('j2')).state).toBe('completed');
  });

  test('what cannot succeed on retry fails at once, with reason and message', async () => {
    await work(async () => {
      throw new LockstepError('invalid-input', 'compile-failed', 'meminfo.c:3: error: expected ;');
    });
    await queue.add('j3', job);
    const failure = { reason: 'compile-failed', message: 'meminfo.c:3: error: expected ;', retryable: false };
    expect(await ended('j3')).toEqual({ state: 'failed', attempts: 1, failure });
  });

  test('what may pass is tried again', async () => {
    let tries = 0;
    await work(async () => {
      tries += 1;
      if (tries < 2) throw new LockstepError('unavailable', 'artifact-store-unwritable', 'no space');
      return result;
    });
    await queue.add('j4', job);
    expect(await ended('j4')).toMatchObject({ state: 'completed', attempts: 2 });
  });

  test('a worker that is stopped hands its job back', async () => {
    await work(async (_, { signal }) => {
      await once(signal, 'abort');
      throw new Error('stopped');
    });
    await queue.add('j5', job);
    await until('j5', ({ state }) => state === 'active');
    await (opened.pop() as JobWorker).close();
    await work(async () => result);
    expect(await ended('j5')).toMatchObject({ state: 'completed', attempts: 2 });
  });

  async function startKilledWorker(): Promise<ChildProcess> {
    const outfile = path.join(folder.path, 'killed-worker.js');
    const entry = path.join(__dirname, 'killed-worker.ts');
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      packages: 'external',
    });
    const child = spawn(process.execPath, [outfile, JSON.stringify(started.server)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_PATH: path.resolve('node_modules') },
    });
    opened.push(child);
    await once(child.stdout, 'data');
    return child;
  }

  test('a worker killed in the middle: the job is taken again, once', async () => {
    await queue.add('j6', job);
    (await startKilledWorker()).kill('SIGKILL');
    await work(async () => result);
    expect(await ended('j6')).toMatchObject({ state: 'completed', attempts: 2 });
  });

  test('a job that kills every worker fails after the second', async () => {
    await queue.add('j7', job);
    (await startKilledWorker()).kill('SIGKILL');
    (await startKilledWorker()).kill('SIGKILL');
    let taken = 0;
    await work(async () => {
      taken += 1;
      return result;
    });
    expect(await ended('j7')).toMatchObject({ state: 'failed', failure: { reason: 'worker-lost', retryable: true } });
    expect(taken).toBe(0);
  });
});

test.each(['postgres', 'redis'] as const)('a %s that is not there is told within seconds', async (kind) => {
  const url = `${kind}://127.0.0.1:${await freePort()}/x`;
  const opening = openJobQueue({ server: { kind, url }, onChange: () => undefined, onError: () => undefined });
  await expect(opening).rejects.toMatchObject({ kind: 'unavailable', reason: 'queue-unavailable' });
});
