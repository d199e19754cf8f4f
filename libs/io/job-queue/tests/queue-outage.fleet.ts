// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseKernelBuildId, parseSha256 } from '@lockstep/domain/livepatch-model';
import { startPostgres } from '@lockstep/testing/local-postgres';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { openJobQueue, startJobWorker, type Job, type JobQueue, type JobResult, type JobState } from '../index';
import type { JobWorker, JobWorkerOptions, QueueServer } from '../index';

jest.setTimeout(180_000);

/** A server that can be away for a while, and can be told to cut all connections. */
interface ShakyServer {
  readonly server: QueueServer;
  up(): Promise<void>;
  down(): Promise<void>;
  /** Ready to cut every connection that does something from now on, until one was cut; to be called then. */
  readyToCut(): Promise<() => Promise<void>>;
}

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('outage');
});
afterAll(() => folder.remove());

async function shakyPostgres(): Promise<ShakyServer> {
  const port = await freePort();
  let running = await startPostgres(folder.path, port);
  return {
    server: { kind: 'postgres', url: running.url },
    up: async () => {
      running = await startPostgres(folder.path, port);
    },
    down: () => running.stop(),
    readyToCut: async () => {
      const holder = new Client({ connectionString: running.url });
      const killer = new Client({ connectionString: running.url });
      await Promise.all([holder.connect(), killer.connect()]);
      // What writes a job now waits for us, and is cut while it waits.
      await holder.query('BEGIN; LOCK TABLE bullmq.job IN SHARE MODE');
      return async () => {
        let cut = 0;
        while (cut === 0) {
          await sleep(20);
          const { rowCount } = await killer.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query ILIKE '%move_to_completed%'`);
          cut = rowCount ?? 0;
        }
        await holder.query('ROLLBACK');
        await Promise.all([holder.end(), killer.end()]);
      };
    },
  };
}

async function shakyRedis(): Promise<ShakyServer> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let stop = (): Promise<void> => Promise.resolve();
  const up = async (): Promise<void> => {
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--save', ''];
    const child = spawn('redis-server', [...place, '--appendonly', 'yes', '--appendfsync', 'always'], {
      stdio: 'ignore',
    });
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    stop = async () => {
      child.kill('SIGTERM');
      await gone;
    };
    const client = new Redis(url, { retryStrategy: () => 50 });
    client.on('error', () => undefined);
    await client.ping();
    client.disconnect();
  };
  await up();
  return {
    server: { kind: 'redis', url },
    up,
    down: () => stop(),
    readyToCut: async () => {
      const client = new Redis(url);
      await client.ping();
      return async () => {
        for (let round = 0; round < 20; round += 1) {
          await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
          await sleep(5);
        }
        client.disconnect();
      };
    },
  };
}

const job: Job = { kind: 'register-kernel', path: '/kernels/one', stock: null };
const result: JobResult = {
  kind: 'register-kernel',
  id: parseKernelBuildId('ab'.repeat(20)),
  release: '6.1.0',
  compiler: 'gcc',
  configSha256: parseSha256('00'.repeat(32)),
};

/**
 * Longer than the server is away, shorter than a worker takes by default to look for it again (15 s): one that does not
 * look sooner loses the job to the other.
 */
const lockMs = 13_000;

describe.each([
  ['postgres', shakyPostgres],
  ['redis', shakyRedis],
] as const)('a queue on %s that is away', (_, start) => {
  let shaky: ShakyServer;
  let queue: JobQueue;
  const workers: JobWorker[] = [];
  const onError = (): void => undefined;

  beforeAll(async () => {
    shaky = await start();
    queue = await openJobQueue({ server: shaky.server, onChange: () => undefined, onError });
  });
  afterAll(async () => {
    for (const worker of workers) await worker.close();
    await queue.close();
    await shaky.down();
  });

  let runs = 0;
  let during = (): Promise<void> => Promise.resolve();
  const work = async (more: Partial<JobWorkerOptions> = {}): Promise<void> => {
    const handler = async (): Promise<JobResult> => {
      runs += 1;
      await during();
      return result;
    };
    workers.push(await startJobWorker({ server: shaky.server, handler, concurrency: 1, onError, ...more }));
  };

  async function ended(id: string): Promise<JobState> {
    for (;;) {
      const state = await queue.state(id).catch(() => undefined);
      if (state?.state === 'completed' || state?.state === 'failed') return state;
      await sleep(50);
    }
  }

  test('for a while, as a job ends: whoever did it keeps it, nobody does it again, and its success stays one', async () => {
    await work({ lockMs });
    await work({ lockMs });
    runs = 0;
    let wentDown = Promise.resolve();
    during = async () => {
      if (runs > 1) return;
      await sleep(100);
      wentDown = shaky.down();
      await wentDown;
    };
    await queue.add('o1', job);
    while (runs === 0) await sleep(20);
    await sleep(300);
    await wentDown;
    await sleep(1_000);
    await shaky.up();
    expect(await ended('o1')).toMatchObject({ state: 'completed', attempts: 1, result });
    // Long enough for the other worker to take what it had been told is nobody's.
    await sleep(lockMs);
    expect(await queue.state('o1')).toMatchObject({ state: 'completed', attempts: 1, result });
    expect(runs).toBe(1);
  });

  test('for a moment, in the middle of the answer to a job that is done, on its last attempt: it stays done', async () => {
    runs = 0;
    let cutting: Promise<void> | undefined;
    let fail = 2;
    during = async () => {
      if (fail > 0) {
        fail -= 1;
        throw new Error('it passes');
      }
      const cut = await shaky.readyToCut();
      cutting = cut();
    };
    await queue.add('o2', job);
    expect(await ended('o2')).toMatchObject({ state: 'completed', attempts: 3, result });
    await cutting;
    expect(runs).toBe(3);
  });
});

describe('a worker whose clock is off', () => {
  let shaky: ShakyServer;
  beforeAll(async () => {
    shaky = await shakyPostgres();
  });
  afterAll(() => shaky.down());

  const start = (now: () => number, onError: (error: Error) => void = () => undefined) =>
    startJobWorker({
      ...{ server: shaky.server, handler: async () => result, concurrency: 1, onError },
      ...{ lockMs: 15_000, now, compareClocksEveryMs: 100 },
    });

  test.each([7_000, -7_000])('by %i ms does not start, and is told', async (aheadMs) => {
    await expect(start(() => Date.now() + aheadMs)).rejects.toMatchObject({
      kind: 'refused',
      reason: 'clock-off',
      message: expect.stringContaining(aheadMs > 0 ? 'ahead of' : 'behind'),
    });
  });

  test('later takes no job until it is right again', async () => {
    let aheadMs = 1_000;
    const told: string[] = [];
    const worker = await start(
      () => Date.now() + aheadMs,
      (error) => told.push((error as { reason?: string }).reason ?? error.message),
    );
    aheadMs = 60_000;
    while (!told.includes('clock-off')) await sleep(20);
    await sleep(200);
    const queue = await openJobQueue({ server: shaky.server, onChange: () => undefined, onError: () => undefined });
    await queue.add('c1', job);
    await sleep(3_000);
    expect(await queue.state('c1')).toMatchObject({ state: 'waiting' });
    aheadMs = 0;
    while ((await queue.state('c1')).state !== 'completed') await sleep(50);
    await queue.close();
    await worker.close();
  });
});
