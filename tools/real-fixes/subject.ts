// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import {
  defaultCacheDirectory,
  keptBootImage,
  registerKernelBuild,
  registerStockKernel,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import {
  buildLockstepKernel,
  makeStockRamDisk,
  type MachineOptions,
  type MachineSystem,
} from '@lockstep/testing/qemu-machine';
import type { ProgressLine } from '../progress/progress-line';
import { parseDebianVersions, releaseOfVersion, unpackDebianSource } from './debian-sources';
import { exerciseFiles } from './exercise-files';
import { exerciseKernelArguments, exerciseModules, exercisePrograms } from './exercise-needs';

export interface SubjectOptions {
  readonly from?: string;
  readonly built?: string;
  readonly image?: string;
  readonly to?: string;
  readonly debian?: string;
  readonly flavour: string;
  readonly packages?: string;
}

/** A kernel to patch, where to boot it, and a later tree, whose difference is the fixes. */
export interface Subject {
  readonly kernel: KernelBuild;
  readonly otherDir: string;
  readonly system: MachineSystem & Pick<MachineOptions, 'kernelImage' | 'memoryMb' | 'kernelArguments'>;
}

export interface SubjectSetting {
  /** The repository. */
  readonly root: string;
  /** For what is made on the way. */
  readonly dir: string;
  readonly progress: ProgressLine;
}

export async function subjectOf(setting: SubjectSetting, options: SubjectOptions): Promise<Subject> {
  if (options.debian !== undefined) return stockSubject(setting, options, options.debian);
  const { to, from, built: builtDir, image } = options;
  if (to === undefined) throw new Error('say which tree is the later one: --to DIR, or --debian A..B');
  const { root, progress } = setting;
  const built =
    builtDir !== undefined && image !== undefined
      ? { treeDir: path.resolve(builtDir), imageFile: path.resolve(image) }
      : await progress.run('Build the kernel', async () => buildLockstepKernel({ root, source: from }));
  const kernel = await registerKernelBuild({ path: built.treeDir, cacheDir: defaultCacheDirectory() });
  const system = { kernelImage: built.imageFile, initFile: path.join(root, 'kernel-livepatch/qemu/init') };
  return { kernel, otherDir: path.resolve(to), system };
}

async function stockSubject(
  { root, dir, progress }: SubjectSetting,
  { flavour, packages, to: unpacked }: SubjectOptions,
  versions: string,
): Promise<Subject> {
  const { from, to } = parseDebianVersions(versions);
  const release = releaseOfVersion(from, flavour);
  const stock = { distribution: 'debian', release, from: packages, cacheDir: defaultCacheDirectory() } as const;
  const kernel = await progress.run(`Register Debian's ${release}`, async () => registerStockKernel(stock));
  const otherDir = unpacked === undefined ? path.join(dir, 'later') : path.resolve(unpacked);
  if (unpacked === undefined)
    await progress.run(`Unpack the source of ${to}`, async () => unpackDebianSource(to, otherDir));
  const ramDisk = path.join(dir, 'ram-disk');
  const needs = { laterModules: exerciseModules, programs: exercisePrograms, hostFiles: await exerciseFiles(root) };
  await makeStockRamDisk({ treeDir: kernel.treeDir, root, file: ramDisk, ...needs });
  const kernelImage = keptBootImage(kernel.treeDir);
  return {
    kernel,
    otherDir,
    system: { kernelImage, ramDisk, memoryMb: 1_024, kernelArguments: exerciseKernelArguments },
  };
}
