// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseElf } from '@lockstep/domain/elf';
import { namesakes } from '@lockstep/domain/object-diff';
import { alignStatics, staticOwners, type NamedStatics } from '@lockstep/domain/type-layouts';
import { runInFolder } from './run-in-tree';

/** An object, and the same with debug information. */
export interface RecordedObject {
  readonly bytes: Buffer;
  readonly record: () => Promise<Buffer>;
}

/** Whether it takes more than names to tell the static variables of functions from each other. */
export const hasNamesakes = (objects: readonly Buffer[], path: string): boolean =>
  objects.some((bytes) => namesakes(bytes, path).size > 0);

/**
 * Gives the static variables of later versions the numbers that they have in the first, by whose they are: the compiler
 * numbers them anew when they come up in another order, and then two functions would change their variables.
 * @returns the later versions, and the names of which it is proven for all
 */
export async function withStaticsAligned(
  first: RecordedObject,
  later: readonly RecordedObject[],
  path: string,
): Promise<{ readonly later: readonly Buffer[]; readonly proven: ReadonlySet<string> }> {
  const before = await namedStatics(first, path);
  let proven: ReadonlySet<string> | undefined;
  const renamed: Buffer[] = [];
  for (const version of later) {
    const aligned = alignStatics(before, await namedStatics(version, path));
    renamed.push(await withNames(version.bytes, aligned.renamed, path));
    proven = proven === undefined ? aligned.proven : new Set([...proven].filter((base) => aligned.proven.has(base)));
  }
  return { later: renamed, proven: proven ?? new Set() };
}

async function namedStatics({ bytes, record }: RecordedObject, path: string): Promise<NamedStatics> {
  return { namesakes: namesakes(bytes, path), owners: staticOwners(await record(), path) };
}

/** Each static variable has a section of its own, which is named for it, too. */
async function withNames(bytes: Buffer, renamed: ReadonlyMap<string, string>, path: string): Promise<Buffer> {
  const changed = [...renamed].filter(([from, to]) => from !== to);
  if (changed.length === 0) return bytes;
  const sections = parseElf(bytes, path).sections.map(({ name }) => name);
  const moved = changed.flatMap(([from, to]) => {
    const mine = sections.filter((name) => /^\.(?:data|bss|rodata)\b/.test(name) && name.endsWith(`.${from}`));
    return mine.map((name) => `--rename-section=${name}=${name.slice(0, -from.length)}${to}`);
  });
  const dir = await mkdtemp(join(tmpdir(), 'lockstep-statics-'));
  try {
    const [names, object] = [join(dir, 'names'), join(dir, 'object.o')];
    await writeFile(names, changed.map(([from, to]) => `${from} ${to}\n`).join(''));
    await writeFile(object, bytes);
    const { status, output } = await runInFolder(dir, 'objcopy', [`--redefine-syms=${names}`, ...moved, object]);
    if (status !== 0) throw new Error(`objcopy of ${path} ended with status ${status}:\n${output}`);
    return await readFile(object);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
