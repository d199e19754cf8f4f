// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { BuildStatus, Priority, SubmitPatchRequest } from '@lockstep/contracts/generated';
import { startJobWorker, type JobWorker } from '@lockstep/io/job-queue';
import { startRedis, type RedisServer } from '@lockstep/testing/local-servers';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-queue-away-'));
let redis: RedisServer;
let plane: TestPlane;
let worker: JobWorker;

beforeAll(async () => {
  redis = await startRedis(folder);
  plane = await TestPlane.startProcess({ LOCKSTEP_REDIS_URL: redis.url });
  const server = { kind: 'redis', url: redis.url } as const;
  const common = { server, lane: 'work', concurrency: 1, lockMs: 1000, onError: () => undefined } as const;
  worker = await startJobWorker({ ...common, handler: plane.honestWorker });
  await plane.addKernel();
});
afterAll(async () => {
  await worker.close();
  await plane.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a patch that is submitted while the queue is away is kept, and built when it is back', async () => {
  await redis.stop();
  const request = { name: 'away', diff: Buffer.from('fn_away'), priority: Priority.PRIORITY_HIGH };
  const { builds } = await plane.operator.build.submitPatch(SubmitPatchRequest.fromPartial(request));
  expect(builds.map(({ status }) => status)).toEqual([BuildStatus.BUILD_STATUS_QUEUED]);
  // Longer than the queue is waited for, for the job and then for its priority.
  await new Promise((resolve) => setTimeout(resolve, 25_000));
  // In a process of its own: what nobody waited for does not reach a test's own process object.
  expect(plane.processLog().filter((line) => /a promise failed|nobody caught/.test(line))).toEqual([]);
  redis = await startRedis(folder, redis.url);
  await eventually(async () => {
    const { builds: all } = await plane.operator.build.listBuilds({});
    expect(all.find(({ id }) => id === builds[0]!.id)?.status).toBe(BuildStatus.BUILD_STATUS_SUCCEEDED);
  }, 90_000);
});
