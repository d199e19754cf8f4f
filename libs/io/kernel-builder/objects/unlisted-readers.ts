// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import {
  compileStepOf,
  includedNames,
  objectsThatRead,
  parseCmdFile,
  possibleReaders,
  type DependencyIndex,
  type IndexedObject,
  type SavedCommand,
} from '@lockstep/domain/source-patch';
import { mapAtOnce } from '../processes/at-once';
import { readInTree } from './run-in-tree';
import { progressCounter, writeFileAtomically } from '../processes/stage';
import { savedCommandOf, savedCommandText } from './saved-command';
import { saveCommands } from './stock-commands';
import type { OriginalsOf, ProvideOptions } from './stock-originals';

type Includes = Readonly<Record<string, readonly string[]>>;

/**
 * Objects of a stock kernel that read any of the files although the vendor's debug information does not say so: of a header
 * of which only macros were used it knows nothing. Who may read it is seen from the text of the includes, who does from
 * the compiler.
 */
export async function unlistedReaders(
  kernel: OriginalsOf & { readonly index: DependencyIndex },
  files: readonly string[],
  { onProgress, signal }: ProvideOptions = {},
): Promise<IndexedObject[]> {
  const headers = files.filter((file) => file.endsWith('.h'));
  if (kernel.stock === undefined || headers.length === 0) return [];
  const kept = keptFile(kernel.dir, headers);
  const known = await readFile(kept, 'utf8').catch(() => undefined);
  if (known !== undefined) {
    const paths = new Set(JSON.parse(known) as string[]);
    return kernel.index.objects.filter(({ path }) => paths.has(path));
  }
  const possible = possibleReaders(await includesOf(kernel), headers);
  const listed = new Set(objectsThatRead(kernel.index, headers));
  const candidates = kernel.index.objects.filter((object) => !listed.has(object) && possible.has(object.source));
  await saveCommands(kernel, candidates, signal);
  const count = progressCounter('look who reads the header', candidates.length, onProgress);
  const reads = await mapAtOnce(candidates, availableParallelism(), async (object) => {
    const files = count(await filesReadBy(kernel.treeDir, object, signal));
    // What cannot be asked is taken for a reader: when it is compiled, it shows.
    return files === undefined || headers.some((file) => files.has(file));
  });
  const readers = candidates.filter((_, index) => reads[index] === true);
  await mkdir(dirname(kept), { recursive: true });
  await writeFileAtomically(kept, JSON.stringify(readers.map(({ path }) => path)));
  return readers;
}

/** Sources of a registered kernel never change: to look through the lists of thousands of objects takes seconds each time. */
const keptFile = (dir: string, headers: readonly string[]): string =>
  join(
    dir,
    'unlisted-readers',
    `${createHash('sha256')
      .update([...headers].sort().join('\n'))
      .digest('hex')}.json`,
  );

/** Every object reads it, so that a list with it is the compiler's own and whole. */
const readByAll = 'include/linux/kconfig.h';

/**
 * Whether an object that was taken for a reader of the files, because nobody could say, is none: by the compiler's own list, which
 * is there once it was compiled.
 */
export function isNoReader({ source, dependencies }: SavedCommand, files: readonly string[]): boolean {
  return dependencies.includes(readByAll) && !files.some((file) => file === source || dependencies.includes(file));
}

/** What an object reads, by the compiler's word, which is kept with its command; undefined where the compiler fails. */
async function filesReadBy(
  treeDir: string,
  { path, source }: IndexedObject,
  signal?: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const file = join(treeDir, savedCommandOf(path));
  const text = await readFile(file, 'latin1').catch(() => '');
  const saved = parseCmdFile(text);
  if (saved === undefined) return undefined;
  if (saved.dependencies.includes(readByAll)) return new Set(saved.dependencies);
  const command = compileStepOf(saved.command)
    .replace(/ -Wp,-M\S+/, '')
    .replace(` -c -o ${saved.target} `, ' -M ');
  const { status, output } = await readInTree({ dir: treeDir, command, what: `the preprocessor of ${path}`, signal });
  if (status !== 0) return undefined;
  const files = output.split(/[\s\\]+/).filter((word) => word !== '' && !word.endsWith(':') && word !== source);
  const escaped = /^cmd_\S+ := (.*)$/m.exec(text)?.[1] ?? '';
  const whole = savedCommandText({ path, command: escaped, source, files });
  await writeFileAtomically(file, whole);
  return new Set(parseCmdFile(whole)?.dependencies);
}

/** What each file includes that objects of the kernel may read; read once and kept. */
async function includesOf({
  dir,
  treeDir,
  index,
}: OriginalsOf & { readonly index: DependencyIndex }): Promise<Includes> {
  const kept = join(dir, 'includes.json');
  const known = await readFile(kept, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Includes;
  const files = new Set(Object.keys(index.readers));
  const folders = new Set([...files].map((file) => dirname(file)));
  for (const folder of folders) await addHeaders(treeDir, folder, files, false);
  for (const folder of ['include', 'arch/x86']) await addHeaders(treeDir, folder, files, true);
  const includes: Record<string, string[]> = {};
  await mapAtOnce([...files], 16, async (file) => {
    const names = includedNames(await readFile(join(treeDir, file), 'latin1').catch(() => ''));
    if (names.length > 0) includes[file] = names;
  });
  await writeFileAtomically(kept, JSON.stringify(includes));
  return includes;
}

async function addHeaders(treeDir: string, folder: string, files: Set<string>, recursive: boolean): Promise<void> {
  const names = await readdir(join(treeDir, folder), { recursive }).catch(() => []);
  for (const name of names) if (name.endsWith('.h')) files.add(join(folder, name));
}
