// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import { openArtifactStore, type ArtifactStore } from '@lockstep/io/artifact-store';
import type { BuildRecord } from '@lockstep/io/database';
import { pino } from 'pino';
import { ArtifactEvictor } from './artifact-evictor';

const hourMs = 3_600_000;
let dir: string;
let artifacts: ArtifactStore;
let evictor: ArtifactEvictor;
/** What the database would say. */
let unfinished: Pick<BuildRecord, 'queuedAt'>[];
let referenced: Set<Sha256>;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-evictor-'));
  artifacts = await openArtifactStore(dir);
  unfinished = [];
  referenced = new Set();
  const db = {
    kernelCopies: { forget: () => Promise.resolve() },
    builds: { unfinished: () => Promise.resolve(unfinished) },
    references: { includes: (sha256: Sha256) => Promise.resolve(referenced.has(sha256)) },
  };
  const log = pino({ level: 'silent' });
  evictor = new ArtifactEvictor({
    leads: () => true,
    db: db as never,
    artifacts,
    log,
    maxBytes: 0,
    checkEveryMs: 24 * hourMs,
  });
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function putBefore(hours: number): Promise<Sha256> {
  const { sha256 } = await artifacts.put(Buffer.from(`used ${hours} hours ago`));
  const usedAt = (Date.now() - hours * hourMs) / 1000;
  await utimes(path.join(dir, sha256.slice(0, 2), `${sha256}.ko`), usedAt, usedAt);
  return sha256;
}

async function evictOnce(): Promise<void> {
  evictor.start();
  await evictor.stop();
}

const left = async (): Promise<Set<Sha256>> => new Set((await artifacts.list()).map(({ sha256 }) => sha256));

test('what was put since the oldest unfinished build was queued may be a part of it, and stays', async () => {
  const [before, part, fresh] = [await putBefore(4), await putBefore(2), await putBefore(0.5)];
  unfinished = [{ queuedAt: new Date() }, { queuedAt: new Date(Date.now() - 3 * hourMs) }];
  await evictOnce();
  expect(await left()).toEqual(new Set([part, fresh]));
  expect(await left()).not.toContain(before);
  unfinished = [];
  await evictOnce();
  expect(await left()).toEqual(new Set([fresh]));
});

test('what is being referenced at this moment is judged afterwards', async () => {
  const sha256 = await putBefore(2);
  const appended = evictor.withoutEviction(async () => {
    await sleep(50);
    referenced.add(sha256);
  });
  await evictOnce();
  await appended;
  expect(await left()).toEqual(new Set([sha256]));
});

test('work that fails does not stop the next, and a store that is away is looked at again', async () => {
  await expect(evictor.withoutEviction(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const sha256 = await putBefore(2);
  await rm(dir, { recursive: true });
  await evictOnce();
  artifacts = await openArtifactStore(dir);
  await putBefore(2);
  await evictOnce();
  expect(await left()).not.toContain(sha256);
});
