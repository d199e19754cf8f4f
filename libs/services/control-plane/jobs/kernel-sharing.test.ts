// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseKernelBuildId, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import { openArtifactStore, type ArtifactStore } from '@lockstep/io/artifact-store';
import type { KernelCopyRecord } from '@lockstep/io/database';
import type { JobQueue, JobResult, JobState } from '@lockstep/io/job-queue';
import { pino } from 'pino';
import { KernelSharing } from './kernel-sharing';

const one = parseKernelBuildId('11'.repeat(20));
const two = parseKernelBuildId('22'.repeat(20));

let dir: string;
let artifacts: ArtifactStore;
/** What the database holds; while it is away, what it throws. */
let kept: Map<KernelBuildId, KernelCopyRecord>;
let away: Error | undefined;
let jobs: Map<string, JobState>;
let asked: string[];
let sharing: KernelSharing;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-sharing-'));
  artifacts = await openArtifactStore(dir);
  kept = new Map();
  away = undefined;
  jobs = new Map();
  asked = [];
  const db = {
    kernelCopies: {
      wanting: () => Promise.resolve([one, two].filter((kernel) => !kept.has(kernel))),
      list: () => Promise.resolve(new Map(kept)),
      keep: (kernel: KernelBuildId, copy: KernelCopyRecord) => {
        if (away !== undefined) return Promise.reject(away);
        kept.set(kernel, copy);
        return Promise.resolve();
      },
      forget: () => Promise.resolve(),
    },
  };
  const queue: Pick<JobQueue, 'state' | 'add' | 'remove'> = {
    state: (id) => Promise.resolve(jobs.get(id) ?? { state: 'absent' }),
    add: (id) => {
      asked.push(id);
      jobs.set(id, { state: 'waiting', attempts: 0 });
      return Promise.resolve();
    },
    remove: (id) => {
      jobs.delete(id);
      return Promise.resolve();
    },
  };
  const log = pino({ level: 'silent' });
  sharing = new KernelSharing({ leads: () => true, db: db as never, queue: queue as JobQueue, artifacts, log });
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

/** One pass over all that is wanted. */
async function pass(): Promise<void> {
  sharing.start();
  await sharing.stop();
}

async function completed(): Promise<JobState> {
  const { sha256, sizeBytes } = await artifacts.put(Buffer.from('a packed kernel'));
  const result: JobResult = { kind: 'share-kernel', copy: { sha256, parts: [sha256], sizeBytes } };
  const times = { queuedAtMs: 0, takenAtMs: 0, endedAtMs: 0 };
  return { state: 'completed', attempts: 1, times, result };
}

test('a copy that was made while the database was away is kept when it is back, and not made again', async () => {
  jobs.set(`share.${one}`, await completed());
  // As Prisma and pg throw them: no error of ours.
  away = Object.assign(new Error('Connection terminated unexpectedly'), { code: 'P1017' });
  await pass();
  expect([kept.has(one), jobs.get(`share.${one}`)?.state]).toEqual([false, 'completed']);
  // What is wrong with one keeps no other from its turn.
  expect(asked).toEqual([`share.${two}`]);
  away = undefined;
  await pass();
  expect([kept.has(one), jobs.has(`share.${one}`)]).toEqual([true, false]);
  expect(asked).toEqual([`share.${two}`]);
});

test('a result that does not hold is made again', async () => {
  const state = await completed();
  jobs.set(`share.${one}`, state);
  for (const file of await artifacts.list()) await artifacts.remove(file);
  await pass();
  await pass();
  expect(kept.has(one)).toBe(false);
  expect(asked).toContain(`share.${one}`);
});
