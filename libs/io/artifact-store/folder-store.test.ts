// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { chunkBytes, openArtifactStore, type ArtifactStore } from './index';

let dir: string;
let store: ArtifactStore;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-artifacts-'));
  store = await openArtifactStore(dir);
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function readAll(sha256: Sha256, offset = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(sha256, offset)) {
    expect(chunk.length).toBeLessThanOrEqual(chunkBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const fileOf = (sha256: Sha256): string => path.join(dir, sha256.slice(0, 2), `${sha256}.ko`);

test('gives back what was put, whole and from any offset', async () => {
  const bytes = randomBytes(3 * chunkBytes + 17);
  const { sha256, sizeBytes } = await store.put(bytes);
  expect(sizeBytes).toBe(bytes.length);
  for (const offset of [0, 1, chunkBytes, bytes.length - 1, bytes.length]) {
    expect((await readAll(sha256, offset)).equals(bytes.subarray(offset))).toBe(true);
  }
  await expect(readAll(sha256, bytes.length + 1)).rejects.toMatchObject({ reason: 'offset-past-end' });
  await expect(readAll(sha256, -1)).rejects.toMatchObject({ reason: 'offset-past-end' });
  expect((await stat(fileOf(sha256))).mode & 0o777).toBe(0o600);
});

test('keeps one file however often and at once the same bytes come', async () => {
  const bytes = randomBytes(1000);
  const stored = await Promise.all(Array.from({ length: 8 }, () => store.put(bytes)));
  expect(new Set(stored.map(({ sha256 }) => sha256)).size).toBe(1);
  expect(await readdir(path.dirname(fileOf(stored[0]!.sha256)))).toHaveLength(1);
});

test('tells a damaged file and mends it when the right bytes come again', async () => {
  const bytes = randomBytes(1000);
  const stored = await store.put(bytes);
  await truncate(fileOf(stored.sha256), 999);
  await expect(store.verify(stored)).rejects.toMatchObject({ kind: 'corrupt', reason: 'artifact-damaged' });
  await writeFile(fileOf(stored.sha256), randomBytes(1000));
  await expect(store.verify(stored)).rejects.toMatchObject({ kind: 'corrupt', reason: 'artifact-damaged' });
  await store.put(bytes);
  await expect(store.verify(stored)).resolves.toBeUndefined();
});

test('tells what is not there', async () => {
  const sha256 = parseSha256('00'.repeat(32));
  await expect(readAll(sha256)).rejects.toMatchObject({ kind: 'not-found', reason: 'artifact-missing' });
  await expect(store.verify({ sha256, sizeBytes: 1 })).rejects.toMatchObject({ reason: 'artifact-missing' });
});

test('removes what a killed writer left long ago, and leaves what may still be written', async () => {
  await store.put(randomBytes(10));
  const old = path.join(dir, '.old.partial');
  const recent = path.join(dir, '.recent.partial');
  for (const file of [old, recent]) await writeFile(file, 'x');
  await utimes(old, 0, 0);
  await openArtifactStore(dir);
  expect(await readdir(dir)).toEqual(expect.arrayContaining(['.recent.partial']));
  expect(await readdir(dir)).not.toContain('.old.partial');
});

test('a folder that cannot be written says so', async () => {
  await rm(dir, { recursive: true });
  await writeFile(dir, 'a file where the folder should be');
  const failure = { kind: 'unavailable', reason: 'artifact-store-unwritable', fields: { code: 'ENOTDIR' } };
  await expect(store.put(randomBytes(10))).rejects.toMatchObject(failure);
});
