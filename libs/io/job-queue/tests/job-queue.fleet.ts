// SPDX-License-Identifier: GPL-2.0-only
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  LockstepError,
  parseKernelBuildId,
  parsePatchId,
  parsePatchName,
  parseSha256,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { startPostgres } from '@lockstep/testing/local-postgres';
import { freePort, startRedis, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { bundleScript } from '@lockstep/testing/script-bundle';
import {
  lacksKernelReason,
  openJobQueue,
  startJobWorker,
  type BuildInputs,
  type JobContext,
  type Job,
  type JobHandler,
  type JobQueue,
  type JobResult,
  type JobState,
  type JobWorker,
  type QueueServer,
} from '../index';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const patch = { patch: parsePatchId('cd'.repeat(32)), patchName: parsePatchName('fix') };
const diff = Buffer.from('--- a/x\n+++ b/x\n').toString('base64');
const inputs: BuildInputs = { ...patch, kernelBuild, diffs: [{ ...patch, diff }], onto: [], replace: false };
const job: Job = { kind: 'build', ...inputs };
const part = (...objectPaths: string[]): Job => ({ kind: 'build-part', ...inputs, objectPaths });
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
    opened.push(await startJobWorker({ server: started.server, handler, concurrency: 2, onError, lockMs: 10_000 }));
  };

  async function until(id: string, wanted: (state: JobState) => boolean, withinMs = 60_000): Promise<JobState> {
    const deadline = Date.now() + withinMs;
    while (Date.now() < deadline) {
      await sleep(20);
      const state = await queue.state(id);
      if (wanted(state)) return state;
    }
    throw new Error(`${id} is still ${JSON.stringify(await queue.state(id))}`);
  }
  /** Divides every build into one part for each path. */
  const divided =
    (paths: readonly string[], doPart: (path: string, context: JobContext) => Promise<Sha256>): JobHandler =>
    async (taken, context) => {
      if (taken.kind === 'build-part') {
        return { kind: 'build-part', differences: await doPart(taken.objectPaths.join(), context) };
      }
      if (context.parts === undefined) {
        return { kind: 'parts', parts: paths.map((name) => ({ job: part(name), weight: 10 })) };
      }
      const found = context.parts.map((each) => (each.kind === 'build-part' ? each.differences : ''));
      return { ...result, compiler: found.join(' ') };
    };
  const hashOf = (name: string): Sha256 => parseSha256(name.charCodeAt(0).toString(16).padStart(64, '0'));

  const ended = (id: string, withinMs?: number): Promise<JobState> =>
    until(id, ({ state }) => state === 'completed' || state === 'failed', withinMs);

  test('a job goes to a worker with all it carries, and its result comes back, once', async () => {
    const seen: Job[] = [];
    expect(await queue.state('j1')).toEqual({ state: 'absent' });
    await queue.add('j1', job);
    await queue.add('j1', { kind: 'register-kernel', path: '/other', stock: null });
    expect(await queue.state('j1')).toEqual({ state: 'waiting', attempts: 0 });
    await work(async (taken) => {
      seen.push(taken);
      return result;
    });
    expect(await ended('j1')).toMatchObject({ state: 'completed', attempts: 1, result });
    expect(seen).toEqual([job]);
    await queue.add('j1', job);
    await sleep(100);
    expect(seen).toHaveLength(1);
    expect(changed).toContain('j1');
    await queue.remove('j1');
    expect(await queue.state('j1')).toEqual({ state: 'absent' });
  });

  test('how much there is to do, and who is there to do it, is seen', async () => {
    await queue.add('l1', job);
    await queue.add('l2', job, 'high');
    expect(await queue.look()).toEqual({ waiting: 2, active: 0, workers: [] });
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await work(async () => {
      await finished;
      return result;
    });
    await until('l1', ({ state }) => state === 'active');
    await until('l2', ({ state }) => state === 'active');
    expect(await queue.look()).toEqual({ waiting: 0, active: 2, workers: [`${hostname()}:${process.pid}`] });
    finish();
    await Promise.all([ended('l1'), ended('l2')]);
    await Promise.all([queue.remove('l1'), queue.remove('l2')]);
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
    expect(await ended('j3')).toMatchObject({ state: 'failed', attempts: 1, failure });
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
    expect(await ended('j5')).toMatchObject({ state: 'completed' });
  });

  test('parts go to every worker; the job is then ended by one, with their results in order', async () => {
    const taken: string[] = [];
    const makeWorker = (name: string): JobHandler =>
      divided(['a', 'b', 'c', 'd', 'e', 'f'], async (path) => {
        taken.push(name);
        // Each does two at once: the one that comes first leaves some to the other, however late that comes.
        while (new Set(taken).size < 2) await sleep(20);
        return hashOf(path);
      });
    await work(makeWorker('one'));
    await work(makeWorker('two'));
    await queue.add('p1', job);
    const inOrder = ['a', 'b', 'c', 'd', 'e', 'f'].map(hashOf).join(' ');
    expect(await ended('p1')).toMatchObject({ state: 'completed', result: { compiler: inOrder } });
    expect(taken).toHaveLength(6);
    expect(new Set(taken)).toEqual(new Set(['one', 'two']));
  });

  test('progress is that of all parts together, and every line is told in the job’s own log', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await work(
      divided(['a', 'b', 'c'], async (path, { onProgress, log }) => {
        log(`begins ${path}`);
        onProgress({ stage: 'compile', done: path === 'a' ? 4 : 1, total: 4 });
        if (path !== 'a') await finished;
        return hashOf(path);
      }),
    );
    await queue.add('p2', job);
    const wanted = { done: 15, total: 30 };
    const state = await until('p2', (now) => now.state === 'active' && now.progress?.done === wanted.done);
    expect(state).toMatchObject({ progress: wanted });
    finish();
    await ended('p2');
    const lines = await queue.log('p2', 0);
    expect(lines.map(({ text }) => text).sort()).toEqual(['begins a', 'begins b', 'begins c']);
    expect(lines[0]?.worker).toContain(String(process.pid));
    expect(await queue.log('p2', 2)).toEqual(lines.slice(2));
  });

  test('a log that is full says so, and its lines keep their numbers', async () => {
    await work(async (_, { log }) => {
      for (let line = 0; line < 10_100; line += 1) log(`line ${line}`);
      return result;
    });
    await queue.add('full', job);
    await ended('full', 1_200_000);
    const lines = (await queue.log('full', 0)).map(({ text }) => text);
    expect(lines.slice(0, 10_000)).toEqual(Array.from({ length: 10_000 }, (_, line) => `line ${line}`));
    expect(lines.slice(10_000)).toEqual([expect.stringContaining('no more are kept')]);
    expect((await queue.log('full', 9_999)).map(({ text }) => text)).toEqual(lines.slice(9_999));
  }, 1_300_000);

  test('a part that cannot succeed ends the job with its reason, and the other parts with it', async () => {
    let stopped = 0;
    await work(
      divided(['bad', 'long', 'never'], async (path, { signal }) => {
        if (path === 'bad') throw new LockstepError('invalid-input', 'compile-failed', 'meminfo.c:3: error');
        await once(signal, 'abort');
        stopped += 1;
        throw new Error('aborted');
      }),
    );
    await queue.add('p3', job);
    expect(await ended('p3')).toMatchObject({ state: 'failed', failure: { reason: 'compile-failed' } });
    expect(stopped).toBeLessThanOrEqual(2);
  });

  test('a part’s reason is kept whatever bytes the compiler printed', async () => {
    const message = `stray \0 in program ${'e'.repeat(15_979)}\u{1f6e0}`;
    await work(
      divided(['bad', 'good'], async (path) => {
        if (path === 'bad') throw new LockstepError('invalid-input', 'compile-failed', message);
        return Promise.resolve(hashOf(path));
      }),
    );
    await queue.add('p-bytes', job);
    expect(await ended('p-bytes')).toMatchObject({
      state: 'failed',
      failure: { reason: 'compile-failed', retryable: false },
    });
  });

  test('a part whose error may pass is tried again, alone', async () => {
    const tries: string[] = [];
    await work(
      divided(['a', 'b'], async (path) => {
        tries.push(path);
        if (path === 'b' && tries.filter((each) => each === 'b').length < 2) {
          throw new LockstepError('unavailable', 'artifact-store-unwritable', 'no space');
        }
        return hashOf(path);
      }),
    );
    await queue.add('p4', job);
    expect(await ended('p4')).toMatchObject({ state: 'completed' });
    expect(tries.sort()).toEqual(['a', 'b', 'b']);
  });

  test('a job that is stopped frees its worker within a moment, whether it is at work, divided or waiting', async () => {
    const begun: string[] = [];
    const handler = divided(['a', 'b', 'c'], async (path, { signal }) => {
      begun.push(path);
      await once(signal, 'abort');
      throw new Error('aborted');
    });
    const failure = { reason: 'build-cancelled', message: 'cancelled', retryable: true };
    await queue.add('s0', job);
    await queue.stop('s0', failure);
    await work(handler);
    expect(await ended('s0')).toMatchObject({ state: 'failed', attempts: 1, failure });
    expect(begun).toEqual([]);
    await queue.add('s1', job);
    await until('s1', () => begun.length === 2);
    await queue.stop('s1', failure);
    expect(await ended('s1')).toMatchObject({ state: 'failed', failure });
    expect(begun).toHaveLength(2);
    await queue.remove('s1');
    expect(await queue.state('s1')).toEqual({ state: 'absent' });
  });

  test('what is more urgent is taken first, and what has begun before what has not', async () => {
    const order: string[] = [];
    const named = (name: string): Job => ({ ...job, ...inputs, patchName: parsePatchName(name) });
    for (const [name, priority] of [
      ['n1', 'normal'],
      ['l1', 'low'],
      ['h1', 'high'],
      ['l2', 'low'],
    ] as const) {
      await queue.add(`u-${name}`, named(name), priority);
    }
    await queue.setPriority('u-l2', 'high');
    const handler: JobHandler = async (taken) => {
      if (taken.kind === 'build') order.push(taken.patchName);
      return result;
    };
    opened.push(await startJobWorker({ server: started.server, handler, concurrency: 1, onError, lockMs: 10_000 }));
    await ended('u-l1');
    expect(order).toEqual(['h1', 'l2', 'n1', 'l1']);
  });

  test('a worker without the kernel build leaves the job to one that has it', async () => {
    await work(async () => {
      throw new LockstepError('not-found', 'kernel-not-registered', 'not here');
    });
    await queue.add('e1', job);
    await until('e1', ({ state }) => state === 'waiting');
    await (opened.pop() as JobWorker).close();
    await work(async () => result);
    expect(await ended('e1')).toMatchObject({ state: 'completed' });
  });

  test('a worker that leaves a job to others says why', async () => {
    await work(async () => {
      throw new LockstepError('unavailable', lacksKernelReason, 'its compiler is another one');
    });
    await queue.add('e2', job);
    while ((await queue.log('e2', 0)).length === 0) await sleep(20);
    const [line] = await queue.log('e2', 0);
    expect(line?.text).toBe('left to another worker: its compiler is another one');
    await queue.stop('e2', { reason: 'cancelled', message: '', retryable: true });
    await ended('e2');
  });

  test('what is done in the background takes no place from what somebody waits for', async () => {
    const { server } = started;
    const background = await openJobQueue({ server, lane: 'background', onChange: () => undefined, onError });
    const copy = { sha256: parseSha256('ee'.repeat(32)), parts: [], sizeBytes: 0 };
    let end = (): void => undefined;
    const isEnded = new Promise<void>((resolve) => {
      end = resolve;
    });
    const handler: JobHandler = async () => {
      await isEnded;
      return { kind: 'share-kernel', copy };
    };
    opened.push(await startJobWorker({ server, lane: 'background', handler, concurrency: 1, onError }));
    await background.add('b1', { kind: 'share-kernel', kernelBuild });
    while ((await background.state('b1')).state !== 'active') await sleep(20);
    await work(async () => result);
    await queue.add('b1', job);
    expect(await ended('b1')).toMatchObject({ state: 'completed', result });
    expect(await background.state('b1')).toMatchObject({ state: 'active' });
    end();
    while ((await background.state('b1')).state === 'active') await sleep(20);
    expect(await background.state('b1')).toMatchObject({ state: 'completed', result: { copy } });
    await background.close();
  });

  async function startKilledWorker(): Promise<ChildProcess> {
    const outfile = path.join(folder.path, 'killed-worker.js');
    const entry = path.join(__dirname, 'killed-worker.ts');
    await bundleScript({ entry, outfile, packages: 'external' });
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

  test('a worker killed with one part of a job: that part is done again, and no other', async () => {
    const done: string[] = [];
    let hold = true;
    const handler = divided(['a', 'b', 'c'], async (path) => {
      done.push(path);
      while (hold) await sleep(20);
      return hashOf(path);
    });
    await work(handler);
    await queue.add('p6', job);
    // Two at once are held here; the third goes to the worker that is killed.
    await until('p6', () => done.length === 2);
    const killed = await startKilledWorker();
    killed.kill('SIGKILL');
    hold = false;
    expect(await ended('p6')).toMatchObject({ state: 'completed' });
    expect([...done].sort()).toEqual(['a', 'b', 'c']);
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
