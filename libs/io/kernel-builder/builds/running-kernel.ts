// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseElf, readBuildId } from '@lockstep/domain/elf';
import { compareKernels, otherCompiler, type KernelDifference } from '@lockstep/domain/running-kernel';
import { buildError } from '../processes/failure';

interface RunningKernel {
  treeDir: string;
  vmlinux: Uint8Array;
  /** Where it was read from: the tree's own, or the running kernel's. */
  vmlinuxFile: string;
  /** As the tree's config names it. */
  compiler: string;
}

/** Any object that every build has, compiled from C. */
const sampleObject = 'kernel/livepatch/core.o';

/**
 * Refuses a kernel that was built from other sources, with another config or by another compiler than the tree: a patch
 * built there would be right for a kernel that nobody runs.
 * @throws LockstepError `compiler-differs`, `source-differs`
 */
export async function checkRunningKernel({ treeDir, vmlinux, vmlinuxFile, compiler }: RunningKernel): Promise<void> {
  const sample = await readFile(join(treeDir, sampleObject)).catch(() => undefined);
  const other = sample === undefined ? null : otherCompiler(vmlinux, compiler, sample);
  if (other !== null) {
    const where = `the tree (${vmlinuxFile} says in its ${other.place})`;
    throw buildError({ kind: 'compiler-differs', builtWith: other.compiler, compiler: where, found: compiler });
  }
  const own = join(treeDir, 'vmlinux');
  const built = vmlinuxFile === own ? undefined : await readFile(own).catch(() => undefined);
  if (built === undefined || isSameBuild(vmlinux, built)) return;
  const difference = compareKernels(vmlinux, built);
  if (difference === null) return;
  throw buildError({ kind: 'source-differs', dir: treeDir, vmlinux: vmlinuxFile, difference: describe(difference) });
}

function isSameBuild(running: Uint8Array, built: Uint8Array): boolean {
  const [theirs, ours] = [running, built].map((file) => readBuildId(parseElf(file, 'vmlinux')));
  return theirs !== null && theirs === ours;
}

function describe(difference: KernelDifference): string {
  switch (difference.kind) {
    case 'layout': {
      const { type, member, what } = difference.change;
      return `in the tree, ${member === null ? type : `${member} of ${type}`} ${what} in the running kernel`;
    }
    case 'missing-function':
      return `${difference.name} of the tree is not in the running kernel`;
    case 'function':
      return `the code of ${difference.name} is another from +0x${difference.offset.toString(16)} on`;
  }
}
