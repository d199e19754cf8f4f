// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CSource } from '@lockstep/domain/klp-module';
import type { BuildTools } from './build-tools';
import { buildError } from '../processes/failure';
import { readOnly, writable } from '../processes/sandbox-view';
import { runMake } from '../processes/run-make';

/**
 * Compiles C files with exactly the flags a module of this kernel gets (objtool included), by letting the tree's own
 * kbuild do it outside the tree, which it does not write to.
 * @returns the objects by the sources' `fileName`
 */
export async function compileModuleSources(
  treeDir: string,
  { makeArguments }: BuildTools,
  sources: readonly CSource[],
  signal?: AbortSignal,
): Promise<Map<string, Uint8Array>> {
  const parent = join(tmpdir(), 'lockstep-probe');
  await mkdir(parent, { recursive: true });
  const dir = await mkdtemp(join(parent, 'm-'));
  try {
    const objects = sources.map(({ fileName }) => fileName.replace(/\.c$/, '.o'));
    await Promise.all(sources.map(async ({ fileName, source }) => writeFile(join(dir, fileName), source)));
    await writeFile(join(dir, 'Kbuild'), `obj-m := ${objects.join(' ')}\n`);
    const args = ['-s', `-j${availableParallelism()}`, `M=${dir}`, ...makeArguments, ...objects];
    const mounts = [readOnly(treeDir), writable(dir)];
    const { status, output } = await runMake(treeDir, args, { mounts, signal });
    if (status !== 0) {
      const reason = `it does not compile a livepatch module's sources:\n${output.trim()}`;
      throw buildError({ kind: 'not-a-kernel-build', dir: treeDir, reason });
    }
    const bytes = await Promise.all(objects.map(async (object) => readFile(join(dir, object))));
    return new Map(sources.map(({ fileName }, index) => [fileName, bytes[index] ?? Buffer.alloc(0)]));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
