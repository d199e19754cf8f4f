// SPDX-License-Identifier: GPL-2.0-only
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sourcePatchError, type IndexedObject } from '@lockstep/domain/source-patch';
import { mapAtOnce } from '../processes/at-once';
import { compileObject, compileTypes, isPatchable, prepareJob, whyUnpatchable } from '../objects/compile-object';
import { refuseChangedVersions } from '../objects/export-versions';
import { MadeTree } from '../builds/made-tree';
import { addNewObjects, type NewObject } from '../objects/new-objects';
import type { KernelBuild } from '../builds/registered-kernel';
import { sameButDebugInformation } from '../objects/same-code';
import { scanBuiltTree } from '../builds/scan-tree';
import type { OnProgress } from '../processes/stage';

/** An object that make made anew and that came out different, compiled as the differ wants it. */
export interface MadeObject {
  readonly indexed: IndexedObject;
  readonly patched: Uint8Array;
  /** With debug information, where types were to be recorded. */
  readonly types: Uint8Array | undefined;
}

export interface MakeOptions {
  kernel: KernelBuild;
  changed: ReadonlyMap<string, string | null>;
  /** Whether types are to be recorded. */
  changesTypes: boolean;
  compilers: number;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Finds what a diff changes by letting make build it in a copy of the kernel build: right for whatever make knows of,
 * and slow: copying takes seconds, and make compiles what it thinks it must.
 * @throws LockstepError `make-failed`, `unsupported-change`
 */
export async function makeChangedObjects(options: MakeOptions): Promise<MadeObject[]> {
  const { kernel, changed, compilers, onProgress, signal } = options;
  onProgress?.({ stage: 'copy the kernel build', done: 0, total: 1 });
  await using tree = await MadeTree.copy(kernel, signal);
  await tree.change(changed);
  await tree.make({ onProgress, signal });
  const { objects } = await scanBuiltTree(tree.dir);
  refuseRemoved(kernel, objects);
  const remade = objects.filter((object) => wasMade(kernel, tree.dir, object));
  const different: IndexedObject[] = [];
  for (const object of remade) if (await cameOutDifferent(kernel, tree.dir, object)) different.push(object);
  refuseUnpatchable(different);
  await mapAtOnce(remade.filter(isPatchable), compilers, async (indexed) => {
    const job = await prepareJob({ ...kernel, treeDir: tree.dir }, indexed);
    await refuseChangedVersions(job, await readFile(join(tree.dir, indexed.path)), kernel, tree.dir, signal);
  });
  let done = 0;
  const made = await mapAtOnce(different.filter(isPatchable), compilers, async (indexed) => {
    const job = await prepareJob({ ...kernel, treeDir: tree.dir }, indexed);
    const patched = await compileObject(job, 'patched', tree.dir, signal);
    done += 1;
    onProgress?.({ stage: 'compile objects', done, total: different.length });
    if (!options.changesTypes) return { indexed, patched, types: undefined };
    return { indexed, patched, types: await compileTypes(job, kernel, undefined, tree.dir, signal) };
  });
  const known = new Set(kernel.index.objects.map(({ path }) => path));
  const added: NewObject[] = made.filter(({ indexed }) => !known.has(indexed.path));
  const joined = await addNewObjects(
    made.filter(({ indexed }) => known.has(indexed.path)),
    added,
    signal,
  );
  const types = new Map(made.map((one) => [one.indexed.path, one.types]));
  return joined.map((object) => ({ ...object, types: types.get(object.indexed.path) }));
}

function wasMade(kernel: KernelBuild, dir: string, { path }: IndexedObject): boolean {
  const [before, after] = [kernel.treeDir, dir].map((root) => statSync(join(root, path), { throwIfNoEntry: false }));
  // What make did not touch keeps its time.
  return after !== undefined && (before?.mtimeMs !== after.mtimeMs || before.size !== after.size);
}

async function cameOutDifferent(kernel: KernelBuild, dir: string, { path }: IndexedObject): Promise<boolean> {
  const before = await readFile(join(kernel.treeDir, path)).catch(() => undefined);
  return before === undefined || !(await sameButDebugInformation(before, await readFile(join(dir, path))));
}

function refuseRemoved(kernel: KernelBuild, objects: readonly IndexedObject[]): void {
  const now = new Map(objects.map(({ path, object }) => [path, object]));
  for (const { path, object } of kernel.index.objects) {
    if (object === null || now.get(path) === object) continue;
    const where = now.get(path) ?? 'nothing';
    const reason = `the running kernel has it in ${object}, and with the diff it is part of ${where}: it needs a new kernel build`;
    throw sourcePatchError({ kind: 'unsupported-change', file: path, reason });
  }
}

/** Listings (`.s`) only feed generated headers, whose readers make has compiled again. */
function refuseUnpatchable(different: readonly IndexedObject[]): void {
  const blocking = different.filter((object) => !isPatchable(object) && !object.path.endsWith('.s'));
  const [first] = blocking;
  if (first === undefined) return;
  throw sourcePatchError({ kind: 'unsupported-change', file: first.path, reason: whyUnpatchable(first) });
}
