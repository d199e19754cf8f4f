// SPDX-License-Identifier: GPL-2.0-only
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DependencyIndex, IndexedObject } from '@lockstep/domain/source-patch';
import { buildError, firstErrorLines } from '../processes/failure';
import { forObjectsAlone, runMake } from '../processes/run-make';
import { exists } from '../processes/stage';
import { savedCommandOf, savedCommandText } from './saved-command';
import type { OriginalsOf } from './stock-originals';

/** As many as make's environment has room for. */
const askedAtOnce = 500;

/**
 * Writes down the commands of objects of a stock kernel that were not compiled yet, as kbuild would run them; what each reads
 * is as far known as the index knows it. For who wants to preprocess many readers of a header and to compile few.
 * @returns those that only kbuild itself can make: it has no such command for them yet, or generates first what they read
 * @throws LockstepError `make-failed`
 */
export async function saveCommands(
  kernel: OriginalsOf & { readonly index: DependencyIndex },
  objects: readonly IndexedObject[],
  signal?: AbortSignal,
): Promise<IndexedObject[]> {
  if (kernel.stock === undefined) return [];
  const { treeDir, tools, index } = kernel;
  const missing: IndexedObject[] = [];
  for (const object of objects) if (!(await exists(join(treeDir, savedCommandOf(object.path))))) missing.push(object);
  if (missing.length === 0) return [];
  const read = filesReadBy(index, missing);
  const isThere = existingFile(treeDir);
  const readsAll = ({ path }: IndexedObject): boolean => [...(read.get(path) ?? [])].every(isThere);
  const uncommanded = missing.filter((object) => !readsAll(object));
  const ready = missing.filter(readsAll);
  for (let from = 0; from < ready.length; from += askedAtOnce) {
    const batch = ready.slice(from, from + askedAtOnce);
    const args = ['-n', ...forObjectsAlone, ...tools.makeArguments, ...batch.map(({ path }) => path)];
    const { status, output } = await runMake(treeDir, args, { signal });
    if (status !== 0) throw buildError({ kind: 'make-failed', step: 'make -n', lastLines: firstErrorLines(output) });
    const commands = commandsIn(output);
    for (const object of batch) {
      const { path, source } = object;
      const command = commands.get(path);
      if (command === undefined) {
        uncommanded.push(object);
        continue;
      }
      const text = savedCommandText({ path, command, source, files: read.get(path) ?? [] });
      await writeFile(join(treeDir, savedCommandOf(path)), text, 'latin1');
    }
  }
  return uncommanded;
}

/** Whether a file is in the tree, asked once for each; what is read from elsewhere is not ours to make. */
function existingFile(treeDir: string): (file: string) => boolean {
  const known = new Map<string, boolean>();
  return (file) => {
    if (file.startsWith('/')) return true;
    const answer = known.get(file) ?? existsSync(join(treeDir, file));
    known.set(file, answer);
    return answer;
  };
}

/** Each command as kbuild hands it to fixdep, which saves it. */
function commandsIn(output: string): Map<string, string> {
  const calls = output.matchAll(/scripts\/basic\/fixdep \S+ (\S+) '((?:[^']|'\\'')*)' >/g);
  return new Map(Array.from(calls, ([, path = '', command = '']) => [path, command.replaceAll(`'\\''`, `'`)]));
}

function filesReadBy(index: DependencyIndex, objects: readonly IndexedObject[]): Map<string, Set<string>> {
  const wanted = new Set(objects.map(({ path }) => path));
  const read = new Map<string, Set<string>>();
  for (const [file, readers] of Object.entries(index.readers)) {
    for (const reader of readers) {
      const path = index.objects[reader]?.path ?? '';
      if (!wanted.has(path)) continue;
      const files = read.get(path) ?? new Set<string>();
      read.set(path, files.add(file));
    }
  }
  return read;
}
