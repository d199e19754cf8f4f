// SPDX-License-Identifier: GPL-2.0-only
import { availableParallelism } from 'node:os';
import { diffObjects } from '@lockstep/domain/object-diff';
import { mapAtOnce, ObjectCompiler, type KernelBuild } from '@lockstep/io/kernel-builder';

export interface SelfDiff {
  readonly objects: number;
  /** Objects in which a change was found, and what. */
  readonly changed: readonly string[];
}

/** Compares every object of a kernel with itself, function by function: nothing may count as changed. */
export async function selfDiff(
  kernel: KernelBuild,
  onProgress: (done: number, total: number) => void,
): Promise<SelfDiff> {
  const objects = ObjectCompiler.objectsOf(kernel);
  const changed: string[] = [];
  await using compiler = await ObjectCompiler.lease(kernel);
  let done = 0;
  await mapAtOnce(objects, availableParallelism(), async (object) => {
    const bytes = await compiler.original(object);
    const pair = { original: bytes, patched: bytes, objectPath: object.path, tables: kernel.facts.tables };
    for (const thorough of [false, true]) {
      const { functions, newFunctions, pieces } = diffObjects({ ...pair, thorough });
      if (pieces.length === 0) continue;
      changed.push(`${object.path}: ${[...functions.map(({ symbol }) => symbol.name), ...newFunctions].join(' ')}`);
    }
    onProgress((done += 1), objects.length);
  });
  return { objects: objects.length, changed };
}
