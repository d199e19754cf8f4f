// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { FileContents } from '@lockstep/domain/source-patch';
import { isMissing } from '../processes/errno';
import { buildError } from '../processes/failure';
import { makeLimits } from '../processes/limits';
import { runCommand, type CommandResult } from '../processes/run-command';
import { runMake } from '../processes/run-make';
import { runSandboxed } from '../processes/sandbox';
import { readOnly, writable } from '../processes/sandbox-view';
import { exists } from '../processes/stage';
import { changeFiles } from './change-files';
import { evaluateSeries, type KernelSeries } from './quilt-series';

/** Where a kernel's source comes from: an unpacked tree, or a tarball such as Debian's linux-source-6.1. */
export type KernelSource = { kind: 'tree'; dir: string } | { kind: 'tarball'; file: string };

const debianTarball = '/usr/src/linux-source-6.1.tar.xz';

/**
 * The source to build: a given tree or tarball, otherwise Debian's linux-source-6.1.
 * @throws LockstepError `tool-missing` (install linux-source-6.1) or `not-a-kernel-tree`
 */
export async function findKernelSource(given: string | undefined): Promise<KernelSource> {
  if (given === undefined) {
    if (await exists(debianTarball)) return { kind: 'tarball', file: debianTarball };
    throw buildError({ kind: 'tool-missing', tool: debianTarball, debianPackage: 'linux-source-6.1' });
  }
  const path = resolve(given);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw buildError({ kind: 'not-a-kernel-tree', dir: path, reason: 'it does not exist' });
  if (!found.isDirectory()) return { kind: 'tarball', file: path };
  await kernelVersionOf(path);
  return { kind: 'tree', dir: path };
}

/** `5.15` of a tree's top Makefile. @throws LockstepError `not-a-kernel-tree` */
export async function kernelVersionOf(dir: string): Promise<string> {
  const makefile = await readFile(join(dir, 'Makefile'), 'utf8').catch(() => '');
  const version = /^VERSION = (\d+)$/m.exec(makefile)?.[1];
  const patchLevel = /^PATCHLEVEL = (\d+)$/m.exec(makefile)?.[1];
  if (version === undefined || patchLevel === undefined || !(await exists(join(dir, 'kernel/livepatch')))) {
    throw buildError({ kind: 'not-a-kernel-tree', dir, reason: 'no kernel Makefile and kernel/livepatch in it' });
  }
  return `${version}.${patchLevel}`;
}

export interface PrepareTreeOptions {
  source: KernelSource;
  /** Applied to the copy; undefined for the kernel as it is. */
  series?: KernelSeries | undefined;
  /** Made, and must not exist yet. */
  targetDir: string;
  signal?: AbortSignal | undefined;
}

/**
 * A clean, patched kernel tree of our own; the given one is only read. A copy rather than an `O=` build: built inside
 * its own tree, kbuild saves commands with relative paths only, so that they replay in any copy of the tree.
 * @returns what the files that the series touches were before it
 * @throws LockstepError `series-does-not-apply` with patch, file and hunk
 */
export async function prepareKernelTree(options: PrepareTreeOptions): Promise<FileContents> {
  const { source, series, targetDir, signal } = options;
  await mkdir(targetDir, { recursive: true });
  if (source.kind === 'tarball') await unpack(source.file, targetDir, signal);
  else insistOk('cp', await runCommand('cp', ['-a', '--reflink=auto', `${source.dir}/.`, targetDir], { signal }));
  await rm(join(targetDir, '.git'), { recursive: true, force: true });
  await kernelVersionOf(targetDir);
  if ((await exists(join(targetDir, '.config'))) || (await exists(join(targetDir, 'include/config')))) {
    // The given tree was built in: start from sources alone, or its old objects would be taken for ours.
    insistOk('make mrproper', await runMake(targetDir, ['-s', 'mrproper'], { signal }));
  }
  if (series === undefined) return new Map();
  const contents = await evaluateSeries(series, async (path) => readIfThere(targetDir, path));
  const originals = await readFiles(targetDir, contents.keys());
  await changeFiles(targetDir, contents);
  return originals;
}

/**
 * Whether a series fits an unpacked tree, which is only read.
 * @returns what does not fit (patch, file and hunk); undefined where all does
 */
export async function tryKernelSeries(dir: string, series: KernelSeries): Promise<string | undefined> {
  try {
    await evaluateSeries(series, async (path) => readIfThere(dir, path));
    return undefined;
  } catch (error) {
    if (error instanceof LockstepError) return error.message;
    throw error;
  }
}

/** A file's content in latin1; null where there is none. */
export async function readIfThere(dir: string, path: string): Promise<string | null> {
  return readFile(join(dir, path), 'latin1').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
}

export async function readFiles(dir: string, paths: Iterable<string>): Promise<FileContents> {
  const contents = new Map<string, string | null>();
  for (const path of paths) contents.set(path, await readIfThere(dir, path));
  return contents;
}

async function unpack(file: string, targetDir: string, signal?: AbortSignal): Promise<void> {
  const decompress = file.endsWith('.xz') ? ['--use-compress-program', 'xz --decompress --threads=0'] : [];
  const args = ['-x', ...decompress, '-f', file, '-C', targetDir, '--strip-components=1'];
  const mounts = [readOnly(file), writable(targetDir)];
  const limits = makeLimits();
  const { status, output } = await runSandboxed('tar', args, { what: 'tar', cwd: targetDir, mounts, limits, signal });
  if (status === 0) return;
  const said = output.trim().split('\n').slice(0, shownLines).join('; ');
  throw buildError({ kind: 'file-broken', file, said: `tar ended with status ${status}: ${said}` });
}

/** The first says why; what comes after it comes of it. */
const shownLines = 3;

function insistOk(step: string, { status, output }: CommandResult): void {
  if (status !== 0) throw new Error(`${step} ended with status ${status}:\n${output}`);
}
