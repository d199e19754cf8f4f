// SPDX-License-Identifier: GPL-2.0-only
import { availableParallelism } from 'node:os';
import { diffObjects } from '@lockstep/domain/object-diff';
import { mapAtOnce, ObjectCompiler, type KernelBuild } from '@lockstep/io/kernel-builder';

export interface SelfDiff {
  readonly objects: number;
  /** Objects in which a change was found, and what. */
  readonly changed: readonly string[];
}

/**
 * Compares objects of a kernel with themselves, function by function: nothing may count as changed.
 * @param count how many, spread over all; all if undefined
 */
export async function selfDiff(
  kernel: KernelBuild,
  count: number | undefined,
  onProgress: (done: number, total: number) => void,
): Promise<SelfDiff> {
  const all = ObjectCompiler.objectsOf(kernel);
  const every = Math.max(1, Math.floor(all.length / (count ?? all.length)));
  const objects = all.filter((_, index) => index % every === 0);
  const changed: string[] = [];
  await using compiler = await ObjectCompiler.lease(kernel);
  let done = 0;
  await mapAtOnce(objects, availableParallelism(), async (object) => {
    const original = await compiler.original(object);
    const { bytes: patched, proven } = await compiler.againstItself(object);
    const { tables } = kernel.facts;
    const pair = { original, patched, objectPath: object.path, tables, provenStatics: proven };
    for (const thorough of [false, true]) {
      const { functions, newFunctions, pieces } = diffObjects({ ...pair, thorough });
      if (pieces.length === 0) continue;
      changed.push(`${object.path}: ${[...functions.map(({ symbol }) => symbol.name), ...newFunctions].join(' ')}`);
    }
    onProgress((done += 1), objects.length);
  });
  return { objects: objects.length, changed };
}
