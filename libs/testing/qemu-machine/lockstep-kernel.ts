// SPDX-License-Identifier: GPL-2.0-only
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  buildKernel,
  defaultCacheDirectory,
  findKernelSource,
  type BuiltKernel,
  type KernelSeries,
  type OnProgress,
} from '@lockstep/io/kernel-builder';

/**
 * `debug` finds wrong locking, sleeping and memory use, and lets allocations fail. `preempt` is `plain` with tasks that are
 * preempted anywhere in the kernel, at the speed of a kernel that checks nothing. `stock` is `plain` without the patched
 * core: what everybody else runs. `distribution` has what distributors turn on; `ibt` that and indirect branch tracking;
 * `clang` is `distribution` made by another compiler. `signatures` is `plain` that checks the signatures of modules.
 */
export const kernelFlavours = [
  'plain',
  'debug',
  'preempt',
  'stock',
  'distribution',
  'ibt',
  'clang',
  'signatures',
] as const;
export type KernelFlavour = (typeof kernelFlavours)[number];

/** The kernel that tests run on: LOCKSTEP_TEST_KERNEL names another flavour than `plain`. */
export function testKernelFlavour(): KernelFlavour {
  const wanted = process.env['LOCKSTEP_TEST_KERNEL'] ?? 'plain';
  const flavour = kernelFlavours.find((known) => known === wanted);
  if (flavour === undefined)
    throw new Error(`LOCKSTEP_TEST_KERNEL=${wanted}: it is none of ${kernelFlavours.join(', ')}`);
  return flavour;
}

export interface LockstepKernelOptions {
  /** The repository. */
  readonly root: string;
  readonly flavour?: KernelFlavour;
  /** A folder like kernel-livepatch, whose series is used instead of the repository's. LOCKSTEP_TEST_SERIES names one for all. */
  readonly seriesRoot?: string | undefined;
  /** A kernel tree or tarball; Debian's linux-source-6.1 if undefined. */
  readonly source?: string | undefined;
  /** Kconfig fragments on top of the flavour's own. */
  readonly moreConfig?: readonly string[];
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

const small = ['base.config', 'selftests.config'];
const fragments: Readonly<Record<KernelFlavour, readonly string[]>> = {
  plain: small,
  debug: [...small, 'debug.config'],
  preempt: [...small, 'preempt.config'],
  stock: small,
  distribution: [...small, 'distribution.config'],
  ibt: [...small, 'distribution.config', 'ibt.config'],
  clang: [...small, 'distribution.config'],
  signatures: [...small, 'signatures.config'],
};

/** The clang that bootstrap installs. */
const clang = 'clang-14';

/** @throws Error for a kernel version that the patched core is not made for */
function seriesOf(seriesRoot: string, version: string): KernelSeries {
  const seriesDir = path.join(seriesRoot, `linux-${version}`);
  if (existsSync(seriesDir)) return { seriesDir, filesDir: path.join(seriesRoot, 'files') };
  throw new Error(`Linux ${version} has no series in ${seriesRoot}: give a 5.15 or a 6.1 tree.`);
}

/** The small kernel with the patched livepatch core that the demo and all kernel tests boot; built once, by content. */
export async function buildLockstepKernel(options: LockstepKernelOptions): Promise<BuiltKernel> {
  const { root, flavour = 'plain', source, moreConfig = [], onProgress, signal } = options;
  const seriesRoot = options.seriesRoot ?? process.env['LOCKSTEP_TEST_SERIES'] ?? path.join(root, 'kernel-livepatch');
  const configDir = path.join(root, 'kernel-livepatch/qemu/config');
  return buildKernel({
    source: await findKernelSource(source),
    seriesFor: flavour === 'stock' ? undefined : (version) => seriesOf(seriesRoot, version),
    configFragments: [...fragments[flavour].map((name) => path.join(configDir, name)), ...moreConfig],
    compiler: flavour === 'clang' ? clang : undefined,
    cacheDir: defaultCacheDirectory(),
    onProgress,
    signal,
  });
}
