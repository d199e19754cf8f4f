// SPDX-License-Identifier: GPL-2.0-only
import { readdir, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { switchingToWire } from '@lockstep/contracts/wire';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { JobHandler } from '@lockstep/io/job-queue';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

// What the control plane makes of copies of kernel builds, on the real database, under a limit of nothing at all.
let plane: TestPlane;
/** How the next packing ends. */
let answers: ('lie' | 'share')[];
let copies: Sha256[];
let carried: (Sha256 | undefined)[];

const files = ['list', 'part 1', 'part 2'];

const packer: JobHandler = async (job) => {
  if (job.kind !== 'share-kernel') throw new Error(`a ${job.kind} job in the background`);
  const [sha256, ...parts] = await Promise.all(
    files.map(async (name) => (await plane.artifacts.put(Buffer.from(`${name} of ${job.kernelBuild}`))).sha256),
  );
  const answer = answers.shift() ?? 'share';
  if (answer === 'lie')
    return { kind: job.kind, copy: { sha256: sha256!, parts: ['00'.repeat(32) as Sha256], sizeBytes: 9 } };
  copies.push(sha256!);
  return { kind: job.kind, copy: { sha256: sha256!, parts, sizeBytes: 2_000_000 } };
};

beforeAll(async () => {
  plane = await TestPlane.start({ LOCKSTEP_STORE_MAX_BYTES: '0', LOCKSTEP_STORE_CHECK_SECONDS: '1' });
  [answers, copies, carried] = [['lie'], [], []];
  await plane.work(async (job, context) => {
    if (job.kind === 'build') carried.push(job.kernelCopy);
    return plane.honestWorker(job, context);
  });
  await plane.work(packer, 'background');
});
afterAll(() => plane.stop());

const sharedBytes = async (): Promise<number | undefined> =>
  (await plane.operator.build.listKernels({})).kernelBuilds[0]?.sharedBytes;
const shared = (bytes = 2_000_000): Promise<void> =>
  eventually(async () => {
    expect(await sharedBytes()).toBe(bytes);
  }, 60_000);

async function kept(): Promise<string[]> {
  const names = await readdir(plane.config.artifactDir, { recursive: true });
  return names.filter((name) => name.endsWith('.ko'));
}

/** Nobody has used anything for a day. */
async function age(): Promise<void> {
  const aDayAgo = Date.now() / 1000 - 86_400;
  for (const name of await kept()) {
    // What has gone meanwhile was aged before.
    await utimes(path.join(plane.config.artifactDir, name), aDayAgo, aDayAgo).catch(() => undefined);
  }
}

test('a kernel build that was added is copied; a copy that is not there is made again', async () => {
  await plane.addKernel();
  expect(await sharedBytes()).toBe(0);
  await shared();
  expect(answers).toEqual([]);
  await plane.build('with', 'fn_with');
  expect(carried).toEqual([copies[0]]);
});

test('the copy of one that nobody uses is evicted as a whole, and not made again for nothing', async () => {
  await age();
  await eventually(async () => {
    expect(await kept()).toEqual([]);
  });
  await shared(0);
  await plane.restart();
  // Longer than it takes to look again.
  await sleep(6_000);
  expect(copies).toHaveLength(1);
  // It is used for as long as this goes on.
  await plane.build('without', 'fn_without');
  expect(carried.at(-1)).toBeUndefined();
});

test('for one that a node runs it is made again, and stays', async () => {
  const name = 'sharing';
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name });
  const agent = (await plane.enrol(name, 's1')).connect();
  await shared();
  await age();
  const module = await plane.artifacts.put(Buffer.from('a module that nobody wants'));
  await age();
  await eventually(async () => {
    expect((await kept()).join()).not.toContain(module.sha256);
  });
  expect(await kept()).toHaveLength(files.length);
  expect(await sharedBytes()).toBe(2_000_000);
  agent.disconnect();
});

test('after the store was emptied it is made again', async () => {
  for (const name of await kept()) await rm(path.join(plane.config.artifactDir, name));
  const before = copies.length;
  await plane.restart();
  await eventually(() => {
    expect(copies.length).toBeGreaterThan(before);
  }, 60_000);
  await shared();
});
