// SPDX-License-Identifier: GPL-2.0-only
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FileContents } from '@lockstep/domain/source-patch';
import { cachePaths } from './cache-directory';
import { isMissing } from '../processes/errno';
import { readFiles, readIfThere } from '../sources/kernel-source';
import type { CommandOptions } from '../processes/run-command';
import { exists } from '../processes/stage';
import { changeFiles } from '../sources/change-files';
import { evaluateSeries, type KernelSeries } from '../sources/quilt-series';
import { copyBuild } from './copy-build';

/**
 * A sibling of a kernel build has the same source, configuration and compiler, but another series or none. A copy of it
 * in which the files that differ are changed needs only what make then finds out of date: seconds instead of minutes.
 */
export interface Sibling {
  key: string;
  treeDir: string;
  /** What makes its tree ours. */
  changes: FileContents;
  /** What the files that our series touches were before any series. */
  originals: FileContents;
}

/** Kept beside every tree, so that others can start from its build. */
interface TreeRecord {
  /** Hash of source, configuration and compiler. */
  family: string;
  /** What the files that the series touched were before it, in latin1. */
  originals: Record<string, string | null>;
  /** Key of the sibling whose build the tree is a copy of. */
  copyOf?: string | undefined;
}

/** A sibling with the finished build that differs in the fewest files; undefined where there is none to start from. */
export async function nearestSibling(
  cacheDir: string,
  family: string,
  series: KernelSeries | undefined,
): Promise<Sibling | undefined> {
  let nearest: Sibling | undefined;
  for (const key of await listKeys(cacheDir)) {
    const dir = cachePaths.builtKernel(cacheDir, key);
    const record = await readRecord(dir);
    if (record?.family !== family || !(await exists(join(dir, '03-build/.complete')))) continue;
    if (await namesItsDirectory(dir)) continue;
    const sibling = await compare(key, join(dir, '01-tree/linux'), new Map(Object.entries(record.originals)), series);
    if (![...sibling.changes.keys()].every(makeKnowsReaders)) continue;
    if (nearest === undefined || sibling.changes.size < nearest.changes.size) nearest = sibling;
  }
  return nearest;
}

/** Debug information holds the directory that an object was compiled in: a copy would not be the same kernel. */
async function namesItsDirectory(dir: string): Promise<boolean> {
  return (await readFile(join(dir, '02-config/config'), 'utf8')).includes('\nCONFIG_DEBUG_INFO=y\n');
}

async function listKeys(cacheDir: string): Promise<string[]> {
  return readdir(dirname(cachePaths.builtKernel(cacheDir, 'any'))).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

async function compare(
  key: string,
  treeDir: string,
  itsOriginals: FileContents,
  series: KernelSeries | undefined,
): Promise<Sibling> {
  const original = async (path: string): Promise<string | null> =>
    itsOriginals.has(path) ? (itsOriginals.get(path) ?? null) : readIfThere(treeDir, path);
  const wanted: FileContents = series === undefined ? new Map() : await evaluateSeries(series, original);
  const changes = new Map<string, string | null>();
  for (const [path, content] of new Map([...itsOriginals, ...wanted])) {
    if ((await readIfThere(treeDir, path)) !== content) changes.set(path, content);
  }
  const originals = new Map<string, string | null>();
  for (const path of wanted.keys()) originals.set(path, await original(path));
  return { key, treeDir, changes, originals };
}

/** Saved dependencies name sources and makefiles, and hardly ever the scripts and data that a build runs on. */
function makeKnowsReaders(path: string): boolean {
  if (/^(?:scripts|tools)\//.test(path)) return false;
  return (
    path.startsWith('Documentation/') || /\.[chS]$/.test(path) || /^(?:Makefile|Kbuild|Kconfig)/.test(basename(path))
  );
}

export type CopyOptions = Pick<CommandOptions, 'signal' | 'inheritedDescriptor'>;

/** Makes a tree that is built but for what our series changes. */
export async function copySibling(sibling: Sibling, targetDir: string, options: CopyOptions): Promise<void> {
  const { treeDir, changes } = sibling;
  await copyBuild(treeDir, targetDir, options);
  await renew(targetDir, await namesakes(treeDir, changes));
  await changeFiles(targetDir, changes);
  for (const [path, content] of changes) if (content === null) await removeObject(targetDir, path);
}

/** A new header may be found before another of its name: who reads that one is compiled again. */
async function namesakes(treeDir: string, changes: FileContents): Promise<string[]> {
  const headers = [...changes.keys()].filter((path) => path.endsWith('.h'));
  const present = await readFiles(treeDir, headers);
  const names = new Set(headers.filter((path) => present.get(path) === null).map((path) => basename(path)));
  if (names.size === 0) return [];
  const files = await readdir(treeDir, { recursive: true });
  return files.filter((path) => names.has(basename(path)) && !changes.has(path));
}

/** The same content, as if just written. */
async function renew(dir: string, paths: readonly string[]): Promise<void> {
  await changeFiles(dir, await readFiles(dir, paths));
}

/** What was made from a source that is gone, and would be taken for a part of this build. */
async function removeObject(dir: string, source: string): Promise<void> {
  const object = source.replace(/\.[cS]$/, '.o');
  if (object === source) return;
  for (const file of [object, join(dirname(object), `.${basename(object)}.cmd`)]) {
    await rm(join(dir, file), { force: true });
  }
}

const recordFile = '01-tree/record.json';

export async function writeRecord(
  dir: string,
  family: string,
  originals: FileContents,
  copyOf?: string,
): Promise<void> {
  const record: TreeRecord = { family, originals: Object.fromEntries(originals), copyOf };
  await writeFile(join(dir, recordFile), JSON.stringify(record));
}

async function readRecord(dir: string): Promise<TreeRecord | undefined> {
  const text = await readFile(join(dir, recordFile), 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as TreeRecord);
}

/**
 * An object that is half written when make is killed looks newer than its sources, and in a copy it has a saved command
 * already: make would take it for finished. So a copy in which make was cut off is thrown away.
 */
export async function discardCutOffCopy(dir: string): Promise<void> {
  if (await exists(join(dir, '03-build/.complete'))) return;
  if (!(await exists(join(dir, '01-tree/.complete'))) || !(await exists(join(dir, '02-config')))) return;
  if ((await readRecord(dir))?.copyOf === undefined) return;
  await rm(join(dir, '01-tree/.complete'));
  for (const stage of ['02-config', '03-build']) await rm(join(dir, stage), { recursive: true, force: true });
}
