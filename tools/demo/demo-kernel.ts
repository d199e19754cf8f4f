// SPDX-License-Identifier: GPL-2.0-only
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { buildLockstepKernel } from '@lockstep/testing/qemu-machine';
import type { ProgressLine } from '../progress/progress-line';

/** The demo's small kernel: of `LOCKSTEP_KERNEL_SRC` or Debian's 6.1, built once into the cache. */
export async function buildDemoKernel(root: string, progress: ProgressLine, signal: AbortSignal): Promise<BuiltKernel> {
  return buildLockstepKernel({
    root,
    source: process.env['LOCKSTEP_KERNEL_SRC'],
    onProgress: ({ stage, done, total }) => {
      progress.update(stage, done, total);
    },
    signal,
  });
}
