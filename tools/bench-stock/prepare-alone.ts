// SPDX-License-Identifier: GPL-2.0-only
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { StockName } from '@lockstep/domain/vendor-kernel';
import { prepareVendorTree, findVendorKernel, runCommand, type KernelBuild } from '@lockstep/io/kernel-builder';
import { timed } from '../bench-build/timing';

export interface PrepareAloneOptions extends StockName {
  /** Its packages, unpacked there. */
  readonly from: string;
  readonly tools: KernelBuild['tools'];
  /** Made. */
  readonly dir: string;
}

/**
 * The floor of the first module: what the kernel's own build does before it can compile anything, in a tree in which nothing of
 * it is done.
 * @returns seconds
 */
export async function prepareAlone({ distribution, release, from, tools, dir }: PrepareAloneOptions): Promise<number> {
  const vendor = await findVendorKernel(distribution, release, from);
  const { config } = await prepareVendorTree({ vendor, treeDir: dir });
  const make = async (...args: string[]): Promise<void> => {
    const { status, output } = await runCommand('make', ['-s', '-C', dir, ...tools.makeArguments, ...args]);
    if (status !== 0) throw new Error(`make ${args.join(' ')} ended with status ${status}: ${output}`);
  };
  await make('clean');
  await make('mrproper');
  await writeFile(path.join(dir, '.config'), config);
  await make('olddefconfig');
  return (await timed(async () => make(`-j${availableParallelism()}`, 'modules_prepare'))).seconds;
}
