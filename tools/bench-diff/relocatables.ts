// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import { mapAtOnce, ObjectCompiler, runCommand, type KernelBuild } from '@lockstep/io/kernel-builder';

/** Two builds of one large relocatable that differ in one function. */
export interface RelocatablePair {
  readonly original: string;
  readonly patched: string;
  readonly bytes: number;
}

/** A kernel's own object, compiled for the differ, on disk. */
export interface CompiledFile {
  readonly path: string;
  readonly bytes: number;
}

/** Where a changed number shows in one function and nowhere else. */
const changed = { source: 'fs/proc/version.c', find: 'utsname()->sysname', put: '"Changed"' };

/** Compiles (or takes from the cache) the objects of vmlinux, in path order. */
export async function compileObjects(
  kernel: KernelBuild,
  dir: string,
  onProgress: (done: number, total: number) => void,
): Promise<CompiledFile[]> {
  const objects = ObjectCompiler.objectsOf(kernel).filter(
    ({ object, source }) => object === 'vmlinux' && source !== changed.source,
  );
  await using compiler = await ObjectCompiler.lease(kernel);
  let done = 0;
  return await mapAtOnce(objects, availableParallelism(), async (object) => {
    const file = await keep(await compiler.original(object), path.join(dir, 'objects', object.path));
    onProgress((done += 1), objects.length);
    return file;
  });
}

async function keep(bytes: Uint8Array, file: string): Promise<CompiledFile> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return { path: file, bytes: bytes.length };
}

/** The one object that changes, both builds. */
export async function compileChanged(kernel: KernelBuild, dir: string): Promise<[CompiledFile, CompiledFile]> {
  const object = ObjectCompiler.objectsOf(kernel).find(({ source }) => source === changed.source) as IndexedObject;
  const source = await readFile(path.join(kernel.treeDir, changed.source), 'latin1');
  const edited = source.replace(changed.find, changed.put);
  if (edited === source) throw new Error(`${changed.source} has no ${changed.find}`);
  await using compiler = await ObjectCompiler.lease(kernel);
  const original = await keep(await compiler.original(object), path.join(dir, 'changed.orig.o'));
  const patched = await compiler.patched(object, new Map([[changed.source, edited]]));
  return [original, await keep(patched, path.join(dir, 'changed.patched.o'))];
}

/** `ld -r` would lay functions of one name into one section: then the differ could not tell them apart as well. */
const keptApart = ['.text.*', '.data.*', '.rodata.*', '.bss.*'].map((pattern) => `--unique=${pattern}`);

/** Objects shrink by about as much when their strings and symbols become one. */
const linkedTogether = 1.1;

/** Links objects until they are about `wantedBytes`, once with each build of the changed one. */
export async function linkPair(
  dir: string,
  objects: readonly CompiledFile[],
  [original, patched]: readonly [CompiledFile, CompiledFile],
  wantedBytes: number,
): Promise<RelocatablePair> {
  let bytes = 0;
  const chosen = objects.filter((object) => (bytes += object.bytes) - object.bytes < wantedBytes * linkedTogether);
  const link = async (first: CompiledFile, output: string): Promise<string> => {
    const inputs = [first, ...chosen].map((object) => object.path);
    // Vdso and boot objects define some names again.
    const args = ['-r', '-z', 'muldefs', ...keptApart, '-o', output, ...inputs];
    const { status, output: message } = await runCommand('ld', args);
    if (status !== 0) throw new Error(`ld -r failed:\n${message}`);
    return output;
  };
  const pair = {
    original: await link(original, path.join(dir, `${wantedBytes}.orig.o`)),
    patched: await link(patched, path.join(dir, `${wantedBytes}.patched.o`)),
  };
  return { ...pair, bytes: (await readFile(pair.original)).length };
}
