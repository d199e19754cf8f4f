// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import { ArtifactFiles, type ArtifactSource } from './artifact-files';

const bytes = randomBytes(5000);
const artifact = { sha256: createHash('sha256').update(bytes).digest('hex') as Sha256, sizeBytes: bytes.length };
let folder: string;
let files: ArtifactFiles;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-artifacts-'));
  files = new ArtifactFiles(folder);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Sends `content` in chunks from the offset asked for; breaks off after `limit` bytes. */
function source(content: Buffer = bytes, limit = Infinity, offsets: number[] = []): ArtifactSource {
  return async function* (offset) {
    offsets.push(offset);
    let sent = 0;
    for (let at = offset; at < content.length; at += 1000) {
      if (sent >= limit) throw new Error('the connection broke');
      const chunk = content.subarray(at, at + 1000);
      sent += chunk.length;
      yield chunk;
    }
  };
}

test('keeps a module under its sha256', async () => {
  await files.receive(artifact, source());
  expect(await files.list()).toEqual(new Set([artifact.sha256]));
  expect(readFileSync(await files.verified(artifact))).toEqual(bytes);
});

test('goes on where a broken transfer ended', async () => {
  const offsets: number[] = [];
  await expect(files.receive(artifact, source(bytes, 2000, offsets))).rejects.toThrow('the connection broke');
  expect(await files.list()).toEqual(new Set());
  await files.receive(artifact, source(bytes, Infinity, offsets));
  expect(offsets).toEqual([0, 2000]);
  expect(readFileSync(files.pathOf(artifact.sha256))).toEqual(bytes);
});

test('a stream that ends early is no module yet', async () => {
  await expect(files.receive(artifact, source(bytes.subarray(0, 4999)))).rejects.toMatchObject({
    reason: 'artifact-incomplete',
    fields: { received: 4999 },
  });
  await files.receive(artifact, source());
});

test('a transfer that ended just before its check is only checked', async () => {
  writeFileSync(path.join(folder, `${artifact.sha256}.partial`), bytes);
  const offsets: number[] = [];
  await files.receive(artifact, source(bytes, Infinity, offsets));
  expect(offsets).toEqual([]);
});

const wrongByte = Buffer.from(bytes);
wrongByte[77] = wrongByte[77]! ^ 1;

test.each([
  ['a wrong byte', wrongByte],
  ['too many bytes', Buffer.concat([bytes, Buffer.from('x')])],
])('%s: nothing is kept, and the next try starts over', async (_, content) => {
  await expect(files.receive(artifact, source(content))).rejects.toMatchObject({ kind: 'corrupt' });
  expect(readdirSync(folder)).toEqual([]);
  await files.receive(artifact, source());
});

test('a file that changed on disk is not loaded but removed', async () => {
  await files.receive(artifact, source());
  writeFileSync(files.pathOf(artifact.sha256), wrongByte);
  await expect(files.verified(artifact)).rejects.toMatchObject({ kind: 'corrupt', reason: 'artifact-damaged' });
  expect(await files.list()).toEqual(new Set());
});

test('keeps only what is needed, whole or in part', async () => {
  await files.receive(artifact, source());
  writeFileSync(path.join(folder, `${'0'.repeat(64)}.ko`), 'old');
  writeFileSync(path.join(folder, `${'1'.repeat(64)}.partial`), 'half');
  writeFileSync(path.join(folder, `${'2'.repeat(64)}.partial`), 'of one that was retired');
  await files.keepOnly(new Set([artifact.sha256, '1'.repeat(64) as Sha256]));
  expect(readdirSync(folder).sort()).toEqual([`${'1'.repeat(64)}.partial`, `${artifact.sha256}.ko`].sort());
});
