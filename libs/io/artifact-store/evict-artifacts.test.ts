// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import { evictArtifacts, openArtifactStore, type ArtifactStore, type EvictionOptions } from './index';

const hourMs = 3_600_000;
const nowMs = Date.now();
let dir: string;
let store: ArtifactStore;
/** Four of 100 bytes, last used 4, 3, 2 and 1 days ago. */
let old: Sha256[];

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-evict-'));
  // As if the disk had room enough.
  store = { ...(await openArtifactStore(dir)), disk: async () => undefined };
  old = [];
  for (const days of [4, 3, 2, 1]) old.push(await putUsedAt(nowMs - days * 24 * hourMs));
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function putUsedAt(usedAtMs: number): Promise<Sha256> {
  const { sha256 } = await store.put(randomBytes(100));
  await utimes(path.join(dir, sha256.slice(0, 2), `${sha256}.ko`), usedAtMs / 1000, usedAtMs / 1000);
  return sha256;
}

async function evict(maxBytes: number, more: Partial<EvictionOptions> = {}) {
  const removeUnreferenced: EvictionOptions['removeUnreferenced'] = (_, remove) => remove();
  return evictArtifacts(store, { maxBytes, usedBeforeMs: nowMs - hourMs, removeUnreferenced, ...more });
}

const left = async (): Promise<Set<Sha256>> => new Set((await store.list()).map(({ sha256 }) => sha256));

test('removes the least recently used until it fits, no more', async () => {
  expect(await evict(400)).toMatchObject({ removed: [], keptBytes: 400 });
  expect(await evict(250)).toMatchObject({ removed: old.slice(0, 2), keptBytes: 200 });
  expect(await left()).toEqual(new Set(old.slice(2)));
});

test('reading and verifying make an artifact recently used', async () => {
  for await (const chunk of store.read(old[0]!, 0)) expect(chunk).toHaveLength(100);
  await store.verify({ sha256: old[1]!, sizeBytes: 100 });
  expect((await evict(300)).removed).toEqual([old[2]]);
});

test('what is used while it is being judged stays', async () => {
  const removeUnreferenced: EvictionOptions['removeUnreferenced'] = async (sha256, remove) => {
    if (sha256 === old[1]) await store.verify({ sha256, sizeBytes: 100 });
    return remove();
  };
  expect(await evict(0, { removeUnreferenced })).toMatchObject({ removed: [old[0], old[2], old[3]], keptBytes: 100 });
  expect(await left()).toEqual(new Set([old[1]]));
});

test('what is referenced stays, however little room there is', async () => {
  const referenced = new Set([old[0], old[3]]);
  const removeUnreferenced: EvictionOptions['removeUnreferenced'] = async (sha256, remove) =>
    referenced.has(sha256) ? false : remove();
  expect(await evict(0, { removeUnreferenced })).toMatchObject({ removed: [old[1], old[2]], keptBytes: 200 });
  expect(await left()).toEqual(referenced);
});

test('what was just put stays, for its reference may be on the way', async () => {
  const fresh = await putUsedAt(nowMs - hourMs / 2);
  expect((await evict(0)).removed).toEqual(old);
  expect(await left()).toEqual(new Set([fresh]));
});

test('files that are not artifacts are neither counted nor removed', async () => {
  expect((await readdir(dir)).length).toBeGreaterThan(0);
  const others = await openArtifactStore(path.join(dir, 'zz'));
  await others.put(randomBytes(50));
  expect((await evict(0)).keptBytes).toBe(0);
  expect(await others.list()).toHaveLength(1);
});

test('a disk that is nearly full is left a tenth, whatever the store may hold', async () => {
  const nearlyFull = { ...store, disk: async () => ({ totalBytes: 2_000, availableBytes: 0 }) };
  const everything: EvictionOptions = {
    maxBytes: 1_000_000,
    usedBeforeMs: nowMs,
    removeUnreferenced: (_, remove) => remove(),
  };
  expect(await evictArtifacts(nearlyFull, everything)).toEqual({
    removed: old.slice(0, 2),
    keptBytes: 200,
    budgetBytes: 200,
  });
  const disk = await (await openArtifactStore(dir)).disk();
  expect(disk!.totalBytes).toBeGreaterThan(disk!.availableBytes);
});
