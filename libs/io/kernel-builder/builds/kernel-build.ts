// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { droppedOptions } from '@lockstep/domain/running-kernel';
import { cachePaths } from './cache-directory';
import { buildError, firstErrorLines } from '../processes/failure';
import { FileLock } from '@lockstep/platform/runtime';
import { kernelVersionOf, prepareKernelTree, type KernelSource } from '../sources/kernel-source';
import { hashSeries, type KernelSeries } from '../sources/quilt-series';
import { runCommand, type CommandResult } from '../processes/run-command';
import { runMake } from '../processes/run-make';
import { readOnly, writable } from '../processes/sandbox-view';
import { sourceIdentity } from '../sources/source-identity';
import { copySibling, discardCutOffCopy, nearestSibling, writeRecord } from './sibling-build';
import { exists, runStage, type OnProgress } from '../processes/stage';

export interface BuildKernelOptions {
  source: KernelSource;
  /** Given the source's version (`5.15`), the series for it; undefined builds the kernel as it is. */
  seriesFor?: ((version: string) => KernelSeries) | undefined;
  /** Kconfig fragments, later ones win. */
  configFragments: readonly string[];
  /** What they do not name; `default` for a whole config as of /boot. Off if undefined. */
  unnamedOptions?: 'off' | 'default' | undefined;
  /** The C compiler's command (kbuild's CC): `gcc` if undefined. */
  compiler?: string | undefined;
  cacheDir: string;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

export interface BuiltKernel {
  /** Hash of source, series, config and compiler: the same inputs are built once. */
  key: string;
  /** The built tree: vmlinux, Module.symvers, objects and saved commands. Read only, for everybody. */
  treeDir: string;
  /** Bootable. */
  imageFile: string;
  /** `5.15` */
  version: string;
}

/** Objects of kernel-livepatch/qemu/config on 5.15 and 6.1, counted (1,256 and 1,276): a bar a little off beats none. */
const typicalObjects = 1_265;

/**
 * Builds a kernel into the cache, or finds it there. Stages with `.complete` markers: a build that was cut off, even by
 * kill -9, goes on where it was; two processes that want the same kernel wait for one build. It starts from a build of
 * the same source with another series, if there is one.
 * @throws LockstepError `kernel-build-failed` with the log's last lines, `tool-missing`, `series-does-not-apply`, …
 */
export async function buildKernel(options: BuildKernelOptions): Promise<BuiltKernel> {
  const { cacheDir, onProgress, signal } = options;
  onProgress?.({ stage: 'identify the source', done: 0, total: 1 });
  const fragments = await Promise.all(options.configFragments.map(async (file) => readFile(file, 'utf8')));
  const { family, key } = await cacheKeys(options, fragments);
  const dir = cachePaths.builtKernel(cacheDir, key);
  const treeDir = join(dir, '01-tree/linux');
  onProgress?.({ stage: 'wait for any other build of this kernel', done: 0, total: 1 });
  await using lock = await FileLock.acquire(join(dir, 'lock'), signal);
  await discardCutOffCopy(dir);
  await runStage(join(dir, '01-tree'), async () => {
    await makeTree(options, { dir, treeDir, family, lock });
  });
  const make = async (args: string[], onLine?: (line: string) => void): Promise<CommandResult> =>
    runMake(treeDir, [...compilerArguments(options), ...args], {
      env: reproducibleEnvironment,
      // The configuration that was asked for is below the stages' folder.
      mounts: [readOnly(dir), writable(treeDir)],
      signal,
      onLine,
      inheritedDescriptor: lock.descriptor,
    });
  await runStage(join(dir, '02-config'), async (stageDir) => {
    onProgress?.({ stage: 'configure', done: 0, total: 1 });
    await configure({
      stageDir,
      treeDir,
      fragments,
      configFragments: options.configFragments,
      unnamed: options.unnamedOptions ?? 'off',
      make,
    });
  });
  await runStage(
    join(dir, '03-build'),
    async (stageDir) => {
      // Only what differs from an earlier build, and how much that is make alone knows.
      const expectedObjects = (await exists(join(treeDir, 'vmlinux'))) ? 0 : typicalObjects;
      await compile(stageDir, expectedObjects, make, onProgress);
      await copyFile(join(treeDir, 'arch/x86/boot/bzImage'), join(stageDir, 'bzImage'));
    },
    { resumable: true },
  );
  return { key, treeDir, imageFile: join(dir, '03-build/bzImage'), version: await kernelVersionOf(treeDir) };
}

interface MakingTree {
  dir: string;
  treeDir: string;
  family: string;
  lock: FileLock;
}

async function makeTree(options: BuildKernelOptions, { dir, treeDir, family, lock }: MakingTree): Promise<void> {
  const { source, cacheDir, onProgress, signal } = options;
  const series = await seriesOf(options);
  // What is asked for by default depends on the Kconfig files that a copy's configuration came from.
  const sibling = options.unnamedOptions === 'default' ? undefined : await nearestSibling(cacheDir, family, series);
  if (sibling === undefined) {
    onProgress?.({ stage: 'unpack and patch the source', done: 0, total: 1 });
    await writeRecord(dir, family, await prepareKernelTree({ source, series, targetDir: treeDir, signal }));
  } else {
    onProgress?.({ stage: `copy the nearest build (files that differ: ${sibling.changes.size})`, done: 0, total: 1 });
    await copySibling(sibling, treeDir, { signal, inheritedDescriptor: lock.descriptor });
    await writeRecord(dir, family, sibling.originals, sibling.key);
  }
}

/** A tarball's version shows only once it is unpacked; Debian's and kernel.org's carry it in their name. */
async function sourceVersion(source: KernelSource): Promise<string> {
  if (source.kind === 'tree') return kernelVersionOf(source.dir);
  const version = /(\d+\.\d+)[\d.]*\.tar/.exec(source.file)?.[1];
  if (version !== undefined) return version;
  throw buildError({
    kind: 'not-a-kernel-tree',
    dir: source.file,
    reason: 'its name holds no kernel version: unpack it',
  });
}

async function seriesOf({ source, seriesFor }: BuildKernelOptions): Promise<KernelSeries | undefined> {
  return seriesFor?.(await sourceVersion(source));
}

/** `family` is of all but the series. */
async function cacheKeys(
  options: BuildKernelOptions,
  fragments: readonly string[],
): Promise<{ family: string; key: string }> {
  const hash = createHash('sha256').update('lockstep kernel build 2\0');
  hash.update(`${await sourceIdentity(sourcePath(options.source), options.cacheDir, options.signal)}\0`);
  for (const fragment of fragments) hash.update(`${fragment}\0`);
  if (options.unnamedOptions === 'default') hash.update('default\0');
  for (const tool of [options.compiler ?? 'gcc', 'ld']) hash.update(`${await toolVersion(tool)}\0`);
  const family = hash.copy().digest('hex');
  const series = await seriesOf(options);
  if (series !== undefined) await hashSeries(hash, series);
  return { family, key: hash.digest('hex').slice(0, 32) };
}

function sourcePath(source: KernelSource): string {
  return source.kind === 'tree' ? source.dir : source.file;
}

/** make takes its own choice for `gcc`, so that saved commands stay as everybody's are. */
function compilerArguments({ compiler }: BuildKernelOptions): string[] {
  return compiler === undefined ? [] : [`CC=${compiler}`];
}

/** First line of `gcc --version`, which kconfig also records as CONFIG_CC_VERSION_TEXT. `tool` may be `ccache gcc`. */
export async function toolVersion(tool: string): Promise<string> {
  const [command = '', ...leading] = tool.split(' ');
  try {
    const { output } = await runCommand(command, [...leading, '--version']);
    return output.split('\n')[0] ?? '';
  } catch (cause) {
    throw buildError({ kind: 'tool-missing', tool, debianPackage: tool === 'ld' ? 'binutils' : tool }, { cause });
  }
}

/** Nothing of this machine or moment goes into the kernel, so that its build-id is the same everywhere. */
const reproducibleEnvironment = {
  KBUILD_BUILD_TIMESTAMP: '2026-01-01 00:00:00 UTC',
  KBUILD_BUILD_USER: 'lockstep',
  KBUILD_BUILD_HOST: 'lockstep',
  KBUILD_BUILD_VERSION: '1',
};

type Make = (args: string[], onLine?: (line: string) => void) => Promise<CommandResult>;

interface Configuring {
  stageDir: string;
  treeDir: string;
  fragments: readonly string[];
  configFragments: readonly string[];
  unnamed: 'off' | 'default';
  make: Make;
}

async function configure({ stageDir, treeDir, fragments, configFragments, unnamed, make }: Configuring): Promise<void> {
  const merged = join(stageDir, 'merged.config');
  await writeFile(merged, fragments.join('\n'));
  if (unnamed === 'default') await copyFile(merged, join(treeDir, '.config'));
  const args = unnamed === 'default' ? ['olddefconfig'] : ['allnoconfig', `KCONFIG_ALLCONFIG=${merged}`];
  const result = await make(args);
  await failUnlessOk(result, `make ${args[0] ?? ''}`, join(stageDir, 'make.log'));
  const config = await readFile(join(treeDir, '.config'), 'utf8');
  for (const symbol of ['CONFIG_LIVEPATCH', 'CONFIG_MODULES', 'CONFIG_KALLSYMS_ALL']) {
    if (config.includes(`\n${symbol}=y\n`)) continue;
    const output = `${symbol}=y was asked for and not granted: something it depends on is missing from the fragments.`;
    await failUnlessOk({ status: 1, output }, 'configure', join(stageDir, 'make.log'));
  }
  if (unnamed === 'default') refuseDropped(fragments.join('\n'), config, configFragments);
  await copyFile(join(treeDir, '.config'), join(stageDir, 'config'));
}

/** Enough to see what is wrong. */
const shownOptions = 8;

function refuseDropped(asked: string, got: string, files: readonly string[]): void {
  const dropped = droppedOptions(asked, got);
  if (dropped.length === 0) return;
  const shown = dropped.slice(0, shownOptions).map((one) => `${one.option}=${one.asked} (is ${one.got})`);
  const more = dropped.length - shown.length;
  const options = more > 0 ? [...shown, `and ${more} more`] : shown;
  throw buildError({ kind: 'options-dropped', given: files.join(', '), options });
}

async function compile(stageDir: string, expectedObjects: number, make: Make, onProgress?: OnProgress): Promise<void> {
  let done = 0;
  const count = (line: string): void => {
    if (!/^ {2}(?:CC|AS) /.test(line)) return;
    done += 1;
    // The end is only known when it comes: the bar waits one short of it.
    onProgress?.({ stage: 'compile', done, total: Math.max(expectedObjects, done + 1) });
  };
  const result = await make([`-j${availableParallelism()}`, 'bzImage', 'modules'], count);
  await failUnlessOk(result, 'make bzImage modules', join(stageDir, 'make.log'));
  onProgress?.({ stage: 'compile', done, total: done });
}

async function failUnlessOk({ status, output }: CommandResult, step: string, logFile: string): Promise<void> {
  await rm(logFile, { force: true });
  await writeFile(logFile, output);
  if (status === 0) return;
  throw buildError({ kind: 'kernel-build-failed', step, logFile, lastLines: firstErrorLines(output) });
}
