// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';

/** Builds the selftests' modules and programs for `kernel` into `outDir`. */
export async function buildSelftests(root: string, kernel: BuiltKernel, outDir: string): Promise<void> {
  const args = ['-s', '-C', path.join(root, 'kernel-livepatch/selftests'), `KDIR=${kernel.treeDir}`, `OUT=${outDir}`];
  const child = spawn('make', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`make ${args.join(' ')} ended with status ${String(status)}`);
}
