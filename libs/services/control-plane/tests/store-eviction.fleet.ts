// SPDX-License-Identifier: GPL-2.0-only
import { readdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BuildStatus } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { collect, eventually, TestPlane } from './test-plane';

// The store's own eviction, on the real database, under a limit of nothing at all.
const cluster = 'evicting';
let plane: TestPlane;
let built: string[] = [];

beforeAll(async () => {
  plane = await TestPlane.start({ LOCKSTEP_STORE_MAX_BYTES: '0', LOCKSTEP_STORE_CHECK_SECONDS: '1' });
  await plane.work(async (job, context) => {
    if (job.kind === 'build') built.push(job.patchName);
    return plane.honestWorker(job, context);
  });
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
});
afterAll(() => plane.stop());

const fileOf = (sha256: Sha256): string => path.join(plane.config.artifactDir, sha256.slice(0, 2), `${sha256}.ko`);

async function build(name: string): Promise<Sha256> {
  const id = await plane.build(name, `fn_${name}`);
  return parseSha256((await plane.operator.build.getBuild({ id })).build!.artifact!.sha256);
}

/** Builds a patch and makes its module one that nobody has used for a day: it may go at any moment. */
async function buildLongAgo(name: string): Promise<Sha256> {
  const sha256 = await build(name);
  await age(sha256);
  return sha256;
}

async function age(sha256: Sha256): Promise<void> {
  const aDayAgo = Date.now() / 1000 - 86_400;
  await utimes(fileOf(sha256), aDayAgo, aDayAgo);
}

async function kept(): Promise<Set<string>> {
  const names = await readdir(plane.config.artifactDir, { recursive: true });
  return new Set(names.filter((name) => name.endsWith('.ko')).map((name) => path.basename(name, '.ko')));
}

const gone = (sha256: Sha256): Promise<void> =>
  eventually(async () => {
    expect(await kept()).not.toContain(sha256);
  });

test('what a load order names stays, retired or not, and is still downloaded; the rest goes', async () => {
  const retired = await build('retired');
  const loaded = await build('loaded');
  await plane.append(cluster, 'retired');
  await plane.append(cluster, 'loaded');
  await plane.operator.fleet.appendRetire({ cluster, kernelBuildId: '', seq: 1, expectedSeq: 0 });
  for (const sha256 of [retired, loaded]) await age(sha256);
  await gone(await buildLongAgo('loose'));
  expect(await kept()).toEqual(new Set([retired, loaded]));
  const { client } = await plane.enrol(cluster, 'e1');
  expect(sha256OfBytes(await collect(client.downloadArtifact(loaded, 0)))).toBe(loaded);
});

test('what was just built stays for a while, however little room there is', async () => {
  const fresh = await build('fresh');
  await gone(await buildLongAgo('stale'));
  expect(await kept()).toContain(fresh);
});

test('what is gone is built again when it is asked for: the same file, by the same build', async () => {
  const sha256 = await build('wanted');
  const id = await plane.build('wanted', 'fn_wanted');
  await age(sha256);
  await gone(sha256);
  built = [];
  expect(await plane.build('wanted', 'fn_wanted')).toBe(id);
  expect(built).toEqual(['wanted']);
  expect(await kept()).toContain(sha256);
  // Kept, it is not built a second time.
  expect(await plane.build('wanted', 'fn_wanted')).toBe(id);
  expect(built).toEqual(['wanted']);
});

test('an entry for a module that is gone is refused, and the module built again', async () => {
  const sha256 = await buildLongAgo('appended');
  await gone(sha256);
  await expect(plane.append(cluster, 'appended')).rejects.toMatchObject({
    kind: 'refused',
    reason: 'artifact-missing',
  });
  const id = (await plane.operator.build.listBuilds({})).builds.find(({ patchName }) => patchName === 'appended')!.id;
  await plane.ended(id);
  expect((await plane.operator.build.getBuild({ id })).build?.status).toBe(BuildStatus.BUILD_STATUS_SUCCEEDED);
  expect(await plane.append(cluster, 'appended')).toBeGreaterThan(0);
  await age(sha256);
  await gone(await buildLongAgo('other'));
  expect(await kept()).toContain(sha256);
});
