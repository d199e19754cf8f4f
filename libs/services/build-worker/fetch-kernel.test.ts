// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseKernelBuildId, type KernelBuildId, type Sha256 } from '@lockstep/domain/livepatch-model';
import { openArtifactStore, type ArtifactStore } from '@lockstep/io/artifact-store';
import { lacksKernelReason } from '@lockstep/io/job-queue';
import { isRegistered, listKernelBuilds } from '@lockstep/io/kernel-builder';
import { pino } from 'pino';
import { fetchKernel, type FetchPlace } from './fetch-kernel';
import { KernelCache } from './kernel-cache';
import { isWhole } from './kernel-copy';
import { shareKernel } from './share-kernel';

const ids = ['01', '02', '03'].map((byte) => parseKernelBuildId(byte.repeat(20)));
const [id] = ids as [KernelBuildId];
const gcc = execFileSync('gcc', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
/** Does not compress: a packed tree has several parts of the smallest store. */
const content = randomBytes(20_000);

let dir: string;
let artifacts: ArtifactStore;
let lines: string[];
let context: { onProgress: () => void; log: (line: string) => void; signal: AbortSignal };

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-fetch-'));
  artifacts = await openArtifactStore({ kind: 'folder', dir: path.join(dir, 'store'), maxArtifactBytes: 4096 });
  lines = [];
  context = { onProgress: () => undefined, log: (line) => lines.push(line), signal: new AbortController().signal };
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** A worker's cache; `a` has the kernel builds registered, with their tree elsewhere. */
function placeOf(name: string, maxBytes = 1e12): FetchPlace {
  const cacheDir = path.join(dir, name);
  const log = pino({ level: 'silent' });
  return { cacheDir, artifacts, cache: new KernelCache({ cacheDir, artifacts, log, maxBytes }) };
}

async function register(kernel = id, compiler = gcc): Promise<void> {
  const treeDir = path.join(dir, `linux-${kernel}`);
  await mkdir(path.join(treeDir, 'fs'), { recursive: true });
  await writeFile(path.join(treeDir, '.config'), 'CONFIG_LIVEPATCH=y\n');
  await writeFile(path.join(treeDir, 'fs/one.c'), content);
  const registered = path.join(dir, 'a/registered', kernel);
  await mkdir(registered, { recursive: true });
  const registeredAtMs = Date.now() + 10_000;
  const info = { id: kernel, release: '6.1.0', compiler, configSha256: '', treeDir, registeredAtMs };
  await writeFile(path.join(registered, 'kernel-build.json'), JSON.stringify(info));
  for (const name of ['kernel-facts', 'dependency-index.json', '.complete'])
    await writeFile(path.join(registered, name), name);
}

const share = async (kernel = id) => shareKernel(kernel, placeOf('a'), context);
const fetch = async (copy: Sha256 | undefined, place = placeOf('b'), kernel = id): Promise<void> =>
  fetchKernel(kernel, copy, place, context);
const fileOf = (sha256: Sha256): string => path.join(dir, 'store', sha256.slice(0, 2), `${sha256}.ko`);

/** The job is left to others, for a reason that is told, and nothing half made is used. */
async function expectLacking(fetched: Promise<void>, why: RegExp, cacheDir = path.join(dir, 'b')): Promise<void> {
  await expect(fetched).rejects.toMatchObject({
    kind: 'unavailable',
    reason: lacksKernelReason,
    message: expect.stringMatching(why) as unknown,
  });
  expect(await isRegistered(cacheDir, id)).toBe(false);
}

describe('a kernel build that one worker has', () => {
  test('comes to another one through the store, in parts that the store takes', async () => {
    await register();
    const copy = await share();
    expect(copy.parts.length).toBeGreaterThan(4);
    const stored = new Map((await artifacts.list()).map(({ sha256, sizeBytes }) => [sha256, sizeBytes]));
    expect(new Set(stored.keys())).toEqual(new Set([copy.sha256, ...copy.parts]));
    expect(copy.sizeBytes).toBe([...stored.values()].reduce((sum, size) => sum + size, 0));
    await fetch(copy.sha256);
    const [kernel] = await listKernelBuilds(path.join(dir, 'b'));
    expect(kernel).toMatchObject({ id, compiler: gcc, treeDir: path.join(dir, 'b/registered', id, 'tree') });
    expect((await readFile(path.join(kernel!.treeDir, 'fs/one.c'))).equals(content)).toBe(true);
    expect(lines).toEqual([
      expect.stringMatching(/^shared kernel build 0101/),
      expect.stringMatching(/^fetched kernel build 0101/),
    ]);
  });

  test('whoever shares it, it is the same copy; one that was cut off finds the parts that are there', async () => {
    await register();
    const copy = await share();
    await rm(fileOf(copy.parts[2]!));
    expect(await isWhole(artifacts, copy.sha256)).toBe(false);
    expect(await share()).toEqual(copy);
    expect(await isWhole(artifacts, copy.sha256)).toBe(true);
    await fetch(copy.sha256);
    expect((await shareKernel(id, placeOf('b'), context)).parts).toHaveLength(copy.parts.length);
  });
});

describe('a job is left to others', () => {
  test('when there is no copy yet', async () => {
    await expectLacking(fetch(undefined), /no copy of it/);
  });

  test('when the copy, or a part of it, is gone or was tampered with', async () => {
    await register();
    const { sha256, parts } = await share();
    const [part] = parts.slice(3) as [Sha256];
    const whole = await readFile(fileOf(part));
    await writeFile(fileOf(part), Buffer.concat([whole.subarray(0, -1), Buffer.from([whole.at(-1)! ^ 1])]));
    await expectLacking(fetch(sha256), /cannot be fetched: .*damaged/);
    await writeFile(fileOf(part), whole.subarray(0, 100));
    await expectLacking(fetch(sha256), /damaged/);
    await rm(fileOf(part));
    await expectLacking(fetch(sha256), /not in the store/);
    await writeFile(fileOf(part), whole);
    await rm(fileOf(sha256));
    await expectLacking(fetch(sha256), /not in the store/);
    expect((await readdir(path.join(dir, 'b/registered'))).filter((name) => !name.endsWith('.lock'))).toEqual([]);
    await share();
    await fetch(sha256);
    expect(await isRegistered(path.join(dir, 'b'), id)).toBe(true);
  });

  test('when the copy is of another kernel build, or no list at all', async () => {
    for (const kernel of ids.slice(0, 2)) await register(kernel);
    const other = await share(ids[1]);
    await expectLacking(fetch(other.sha256), /it is kernel build 0202/);
    const forged = await artifacts.put(Buffer.from('{"format":"lockstep kernel copy 9"}'));
    await expectLacking(fetch(forged.sha256), /cannot be read/);
  });

  test('when this machine has another compiler', async () => {
    await register(id, 'gcc (Debian 4.9) 4.9.0');
    await expectLacking(fetch((await share()).sha256), /gcc \(Debian 4.9\)/);
  });

  test('but not when the job was stopped', async () => {
    await register();
    const { sha256 } = await share();
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(fetchKernel(id, sha256, placeOf('b'), { ...context, signal })).rejects.toThrow('stopped');
  });
});

test('room is made before one is fetched: those that could be fetched again go, the longest unused first', async () => {
  const copies = new Map<KernelBuildId, Sha256>();
  for (const kernel of ids) {
    await register(kernel);
    copies.set(kernel, (await share(kernel)).sha256);
  }
  const treeBytes = Number(
    execFileSync('du', ['-s', '-B1', path.join(dir, `linux-${id}`)], { encoding: 'utf8' }).split('\t')[0],
  );
  const place = placeOf('b', 2.5 * treeBytes);
  for (const kernel of ids.slice(0, 2)) await fetch(copies.get(kernel), place, kernel);
  const left = async () => (await listKernelBuilds(place.cacheDir)).map((kernel) => kernel.id).sort();
  expect(await left()).toEqual(ids.slice(0, 2));
  // The first can no longer be fetched again.
  await rm(fileOf(copies.get(id)!));
  await fetch(copies.get(ids[2]!), place, ids[2]);
  expect(await left()).toEqual([ids[0], ids[2]]);
});
