// SPDX-License-Identifier: GPL-2.0-only
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { freePort } from '@lockstep/testing/local-servers';
import {
  chunkBytes,
  evictArtifacts,
  openArtifactStore,
  readStorePlace,
  type ArtifactStore,
  type EvictionOptions,
} from '../index';

// Against somebody else's server that speaks S3, in a process of its own. It knows its keys by id and compares what is
// sent with its sha256.

let dir: string;
let server: ChildProcess;
let env: Record<string, string>;
let store: ArtifactStore;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-s3-'));
  const port = await freePort();
  const program = require.resolve('s3rver/bin/s3rver.js');
  const where = ['-d', dir, '-a', '127.0.0.1', '-p', String(port), '--no-vhost-buckets', '-s'];
  server = spawn(process.execPath, [program, ...where, '--configure-bucket', 'livepatches'], { stdio: 'ignore' });
  env = {
    LOCKSTEP_S3_ENDPOINT: `http://127.0.0.1:${port}`,
    LOCKSTEP_S3_BUCKET: 'livepatches',
    LOCKSTEP_S3_PREFIX: 'test/',
    // What this server knows.
    LOCKSTEP_S3_ACCESS_KEY_ID: 'S3RVER',
    LOCKSTEP_S3_SECRET_ACCESS_KEY: 'S3RVER',
  };
  while (
    !(await fetch(env['LOCKSTEP_S3_ENDPOINT'] ?? '').then(
      () => true,
      () => false,
    ))
  )
    await sleep(50);
  store = await openArtifactStore(readStorePlace(env, dir));
});

afterAll(async () => {
  server.kill();
  await rm(dir, { recursive: true, force: true });
});

async function readAll(sha256: Sha256, offset = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(sha256, offset)) {
    expect(chunk.length).toBeLessThanOrEqual(chunkBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

test('gives back what was put, whole and from any offset', async () => {
  const bytes = randomBytes(3 * chunkBytes + 17);
  const stored = await store.put(bytes);
  expect(await store.put(bytes)).toEqual(stored);
  for (const offset of [0, 1, chunkBytes, bytes.length - 1, bytes.length]) {
    expect((await readAll(stored.sha256, offset)).equals(bytes.subarray(offset))).toBe(true);
  }
  await expect(readAll(stored.sha256, bytes.length + 1)).rejects.toMatchObject({ reason: 'offset-past-end' });
  await expect(store.verify(stored)).resolves.toBeUndefined();
  await expect(store.verify({ ...stored, sizeBytes: 1 })).rejects.toMatchObject({ reason: 'artifact-damaged' });
});

test('tells what is not there, and what is too large', async () => {
  const sha256 = parseSha256('00'.repeat(32));
  await expect(readAll(sha256)).rejects.toMatchObject({ kind: 'not-found', reason: 'artifact-missing' });
  await expect(store.verify({ sha256, sizeBytes: 1 })).rejects.toMatchObject({ reason: 'artifact-missing' });
  const small = await openArtifactStore(readStorePlace({ ...env, LOCKSTEP_MAX_ARTIFACT_BYTES: '4096' }, dir));
  await expect(small.put(randomBytes(4097))).rejects.toMatchObject({ reason: 'artifact-too-large' });
});

test('lists what is its own and evicts what nobody references', async () => {
  const stored = await Promise.all([10, 20, 30].map(async (size) => store.put(randomBytes(size))));
  const listed = new Set((await store.list()).map(({ sha256 }) => sha256));
  for (const { sha256 } of stored) expect(listed).toContain(sha256);
  const kept = stored[1]!.sha256;
  const removeUnreferenced: EvictionOptions['removeUnreferenced'] = async (sha256, remove) =>
    sha256 === kept ? false : remove();
  await evictArtifacts(store, { maxBytes: 0, usedBeforeMs: Date.now() + 1_000, removeUnreferenced });
  const [left, ...others] = await store.list();
  expect([left?.sha256, others]).toEqual([kept, []]);
  // What is gone already is no failure; what was put again since it was listed is no longer what was listed.
  expect(await store.remove({ ...stored[0]!, usedAtMs: Date.now() })).toBe(true);
  expect(await store.remove({ ...left!, usedAtMs: left!.usedAtMs - 60_000 })).toBe(false);
});

test('wrong keys, a bucket that is not there and a dead server are told apart from a missing artifact', async () => {
  const open = async (change: Record<string, string>): Promise<unknown> =>
    openArtifactStore(readStorePlace({ ...env, ...change }, dir));
  const failure = { kind: 'unavailable', reason: 'artifact-store-unreachable' };
  await expect(open({ LOCKSTEP_S3_ACCESS_KEY_ID: 'nobody' })).rejects.toMatchObject({
    ...failure,
    fields: { found: expect.stringContaining('InvalidAccessKeyId') as unknown },
  });
  await expect(open({ LOCKSTEP_S3_BUCKET: 'other' })).rejects.toMatchObject(failure);
  await expect(open({ LOCKSTEP_S3_ENDPOINT: `http://127.0.0.1:${await freePort()}` })).rejects.toMatchObject(failure);
});
