// SPDX-License-Identifier: GPL-2.0-only
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelBuildId, Sha256 } from '@lockstep/domain/livepatch-model';
import { cachePaths } from './cache-directory';
import { FileLock } from '@lockstep/platform/runtime';
import { listKernelBuilds, type KernelBuildInfo } from './registered-kernel';
import { writeFileAtomically } from '../processes/stage';

/** The copy of a kernel build that other workers can fetch. */
export interface SharedCopy {
  readonly sha256: Sha256;
  /** What its tree takes here, if it was fetched from there. */
  readonly treeBytes: number;
}

const copyFile = 'shared-copy.json';
const useLock = (dir: string): string => `${dir}.use.lock`;

/** Does the work while nobody, in any process, evicts the kernel build; it need not be there yet. */
export async function usingKernelBuild<T>(
  cacheDir: string,
  id: KernelBuildId,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return usingDirectory(cachePaths.registered(cacheDir, id), work, signal);
}

/** The same, by the kernel build's own directory in the cache. */
export async function usingDirectory<T>(dir: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const file = useLock(dir);
  const lock = await FileLock.share(file, signal);
  try {
    const now = new Date();
    // Its time is when the kernel build was last used.
    await utimes(file, now, now);
    return await work();
  } finally {
    await lock[Symbol.asyncDispose]();
  }
}

/** What is known of the copy that others can fetch; undefined if there is none. */
export async function readSharedCopy(cacheDir: string, id: KernelBuildId): Promise<SharedCopy | undefined> {
  const text = await readFile(join(cachePaths.registered(cacheDir, id), copyFile), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as SharedCopy);
}

export async function writeSharedCopy(cacheDir: string, id: KernelBuildId, copy: SharedCopy): Promise<void> {
  await writeFileAtomically(join(cachePaths.registered(cacheDir, id), copyFile), JSON.stringify(copy));
}

export interface CacheEvictionOptions {
  readonly cacheDir: string;
  /** What registered kernel builds may take after it, if what must stay allows. */
  readonly maxBytes: number;
  /** Is this copy where it can be fetched again? Asked once for each candidate. */
  readonly canBeFetched: (copy: SharedCopy) => Promise<boolean>;
}

export interface CacheEviction {
  readonly removed: readonly KernelBuildId[];
  /** These stay registered and lost what can be made again from their trees. */
  readonly trimmed: readonly KernelBuildId[];
  readonly keptBytes: number;
}

/**
 * Makes registered kernel builds fit, least recently used first. One that was fetched goes, unless that could not be
 * done again; of one whose tree is elsewhere goes what was made from it. Nothing happens to one that a job uses.
 */
export async function evictKernelBuilds(options: CacheEvictionOptions): Promise<CacheEviction> {
  const { cacheDir, maxBytes, canBeFetched } = options;
  const cached = await Promise.all((await listKernelBuilds(cacheDir)).map(async (info) => measure(cacheDir, info)));
  cached.sort((left, right) => left.usedAtMs - right.usedAtMs);
  let keptBytes = cached.reduce((sum, { bytes }) => sum + bytes, 0);
  const removed: KernelBuildId[] = [];
  const trimmed: KernelBuildId[] = [];
  for (const { id, bytes, copy, isFetched } of cached) {
    if (keptBytes <= maxBytes) break;
    if (isFetched && (copy === undefined || !(await canBeFetched(copy)))) continue;
    if (!(await whenUnused(cacheDir, id, isFetched ? remove : trim))) continue;
    (isFetched ? removed : trimmed).push(id);
    keptBytes -= bytes;
  }
  return { removed, trimmed, keptBytes };
}

interface CachedKernel {
  readonly id: KernelBuildId;
  /** What evicting it would free. */
  readonly bytes: number;
  readonly usedAtMs: number;
  readonly copy: SharedCopy | undefined;
  /** Its tree is in the cache. */
  readonly isFetched: boolean;
}

async function measure(cacheDir: string, { id, treeDir, registeredAtMs }: KernelBuildInfo): Promise<CachedKernel> {
  const dir = cachePaths.registered(cacheDir, id);
  const copy = await readSharedCopy(cacheDir, id);
  const originals = await readdir(join(dir, 'originals')).catch(() => []);
  const sizeOf = async (name: string): Promise<number> =>
    (await stat(join(dir, 'originals', name)).catch(() => undefined))?.size ?? 0;
  const sizes = await Promise.all(originals.map(sizeOf));
  const isFetched = treeDir === join(dir, 'tree');
  const trees = (isFetched ? 1 : 0) + (await copiedTrees(dir));
  const bytes = sizes.reduce((sum, size) => sum + size, trees * (copy?.treeBytes ?? 0));
  const used = await stat(useLock(dir)).catch(() => undefined);
  return { id, bytes, usedAtMs: used?.mtimeMs ?? registeredAtMs, copy, isFetched };
}

/** Staged trees are links into the tree and take nothing, unless it is on another file system. */
async function copiedTrees(dir: string): Promise<number> {
  const slots = await readdir(join(dir, 'staged')).catch(() => []);
  const links = await Promise.all(
    slots.map(async (slot) => (await stat(join(dir, 'staged', slot, 'linux/Makefile')).catch(() => undefined))?.nlink),
  );
  return links.filter((count) => count === 1).length;
}

async function whenUnused(cacheDir: string, id: KernelBuildId, work: (dir: string) => Promise<void>): Promise<boolean> {
  const dir = cachePaths.registered(cacheDir, id);
  await using making = await FileLock.tryAcquire(`${dir}.lock`);
  if (making === undefined) return false;
  await using alone = await FileLock.tryAcquire(useLock(dir));
  if (alone === undefined) return false;
  await work(dir);
  return true;
}

/**
 * Removes a kernel build that its caller has locked for making.
 * @returns false, and nothing is removed, where somebody builds with it
 */
export async function removeUnused(dir: string): Promise<boolean> {
  await using alone = await FileLock.tryAcquire(useLock(dir));
  if (alone === undefined) return false;
  await remove(dir);
  return true;
}

/** Whole, or not at all: its mark goes first. */
async function remove(dir: string): Promise<void> {
  await rm(join(dir, '.complete'), { force: true });
  await rm(dir, { recursive: true, force: true });
}

async function trim(dir: string): Promise<void> {
  for (const made of ['staged', 'originals', 'made']) await rm(join(dir, made), { recursive: true, force: true });
}
