// SPDX-License-Identifier: GPL-2.0-only
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { buildLockstepKernel, type LockstepKernelOptions } from './lockstep-kernel';

/** Sources to be built into a kernel. */
export interface AddedSources {
  /** Of theirs alone, in a directory that has a Makefile: `fs/lockstep_cases`. */
  readonly folder: string;
  /** By name in it; with a Makefile, as kbuild reads it. */
  readonly files: ReadonlyMap<string, string>;
}

/** The same kernel with more sources in it: a copy of the usual one, built on. The same sources give the same kernel. */
export async function buildExtendedKernel(
  { folder, files }: AddedSources,
  options: Omit<LockstepKernelOptions, 'seriesRoot'>,
): Promise<BuiltKernel> {
  const usual = await buildLockstepKernel(options);
  const seriesRoot = await mkdtemp(path.join(tmpdir(), 'lockstep-series-'));
  try {
    await cp(path.join(options.root, 'kernel-livepatch'), seriesRoot, { recursive: true });
    const target = path.join(seriesRoot, 'files', folder);
    await mkdir(target, { recursive: true });
    for (const [name, text] of files) await writeFile(path.join(target, name), text);
    const makefile = path.join(path.dirname(folder), 'Makefile');
    const text = await readFile(path.join(usual.treeDir, makefile), 'latin1');
    await writeFile(path.join(seriesRoot, 'files', makefile), `${text}obj-y += ${path.basename(folder)}/\n`);
    return await buildLockstepKernel({ ...options, seriesRoot });
  } finally {
    await rm(seriesRoot, { recursive: true, force: true });
  }
}
