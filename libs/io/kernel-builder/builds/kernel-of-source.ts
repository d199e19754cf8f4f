// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseElf } from '@lockstep/domain/elf';
import { buildError } from '../processes/failure';
import { tellingFullDisk } from '../processes/full-disk';
import { buildKernel } from './kernel-build';
import { findKernelSource } from '../sources/kernel-source';
import { registerKernelBuild, type KernelBuild } from './registered-kernel';
import { exists, type OnProgress } from '../processes/stage';
import { readSections } from '../vendors/read-sections';
import { registerGivenKernel } from './stock-kernel';

export interface KernelOfSourceOptions {
  /** A kernel tree: finished builds are used as they are, sources alone are built once, into the cache. */
  sourceDir: string;
  /** The running kernel's config; the tree's own if undefined. */
  configFile?: string | undefined;
  /** The running kernel, with its symbols; the tree's own if undefined. */
  vmlinuxFile?: string | undefined;
  cacheDir: string;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The kernel build to patch, from what a host has of its kernel: source, config, vmlinux. The tree is never written to. Sources
 * alone are compiled as far as patches need them where vmlinux has debug information, and whole otherwise.
 * @throws LockstepError `not-a-kernel-tree`, `not-a-kernel-build`, `config-differs`, `compiler-differs`,
 *   `kernel-build-failed`, `disk-full`
 */
export async function kernelOfSource(options: KernelOfSourceOptions): Promise<KernelBuild> {
  const { configFile, vmlinuxFile, cacheDir, onProgress, signal } = options;
  const sourceDir = resolve(options.sourceDir);
  const source = await findKernelSource(sourceDir);
  if (await isBuilt(sourceDir)) {
    if (configFile !== undefined) await compareConfigs(sourceDir, configFile);
    return registerKernelBuild({ path: sourceDir, vmlinuxFile, cacheDir, onProgress, signal });
  }
  const config = configFile ?? join(sourceDir, '.config');
  if (!(await exists(config))) {
    const reason = configFile === undefined ? 'it is not built and has no .config: give one' : `there is no ${config}`;
    throw buildError({ kind: 'not-a-kernel-build', dir: sourceDir, reason });
  }
  if (vmlinuxFile !== undefined && (await hasDebugInformation(vmlinuxFile))) {
    const beside = join(dirname(resolve(vmlinuxFile)), 'Module.symvers');
    const symvers = (await exists(beside)) ? beside : undefined;
    return registerGivenKernel({
      source: sourceDir,
      config,
      vmlinux: vmlinuxFile,
      symvers,
      cacheDir,
      onProgress,
      signal,
    });
  }
  const { treeDir } = await tellingFullDisk(cacheDir, async () =>
    buildKernel({ source, configFragments: [config], unnamedOptions: 'default', cacheDir, onProgress, signal }),
  );
  return registerKernelBuild({ path: treeDir, vmlinuxFile, cacheDir, onProgress, signal });
}

/** Whether it tells which sources it was compiled from: then only what a patch needs has to be. */
async function hasDebugInformation(vmlinuxFile: string): Promise<boolean> {
  const headers = parseElf(await readSections(vmlinuxFile, () => false), vmlinuxFile).sections;
  return headers.some(({ name, sizeBytes }) => name === '.debug_line' && sizeBytes > 0);
}

async function isBuilt(dir: string): Promise<boolean> {
  const products = ['vmlinux', 'Module.symvers', 'include/config/kernel.release', 'kernel/livepatch/.core.o.cmd'];
  const found = await Promise.all(products.map(async (path) => exists(join(dir, path))));
  return found.every(Boolean);
}

/** Enough to see what is wrong. */
const shownOptions = 5;

async function compareConfigs(dir: string, given: string): Promise<void> {
  const settings = async (file: string): Promise<Set<string>> =>
    new Set((await readFile(file, 'utf8')).match(/^CONFIG_\w+=.*$/gm));
  const [own, asked] = (await Promise.all([join(dir, '.config'), given].map(settings))) as [Set<string>, Set<string>];
  const differing = [...[...asked].filter((line) => !own.has(line)), ...[...own].filter((line) => !asked.has(line))];
  if (differing.length === 0) return;
  const options = [...new Set(differing.map((line) => line.split('=')[0] ?? ''))].slice(0, shownOptions);
  throw buildError({ kind: 'config-differs', dir, given, options });
}
