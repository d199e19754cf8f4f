// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { buildKernel, defaultCacheDirectory, findKernelSource, type BuiltKernel } from '@lockstep/io/kernel-builder';
import type { ProgressLine } from './progress-line';

/** The demo's small kernel: `LOCKSTEP_KERNEL_SRC` or Debian's 6.1, built once into the cache. */
export async function buildDemoKernel(root: string, progress: ProgressLine, signal: AbortSignal): Promise<BuiltKernel> {
  const source = await findKernelSource(process.env['LOCKSTEP_KERNEL_SRC']);
  return buildKernel({
    source,
    configFragments: [path.join(root, 'kernel-livepatch/qemu/config/base.config')],
    cacheDir: defaultCacheDirectory(),
    onProgress: ({ stage, done, total }) => {
      progress.update(stage, done, total);
    },
    signal,
  });
}
