// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isElf, parseElf } from '@lockstep/domain/elf';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { ObjectDiff } from '@lockstep/domain/object-diff';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import { mapAtOnce } from '../processes/at-once';
import type { KernelBuild } from '../builds/registered-kernel';

/** Files read at once. */
const readers = 16;

/**
 * Refuses a patch that takes away a function or variable which an object that it leaves alone goes on to name. Such a kernel
 * links only where a weak definition, that object's or another's, takes its place: everybody would call that one, and in the
 * running kernel they go on to call the one that is gone from the source. Nothing is read where nothing is gone.
 * @param compiled the original of an object that a stock kernel has not yet, and whose source has the word
 * @throws LockstepError `gone-global`
 */
export async function refuseGoneGlobals(
  kernel: Pick<KernelBuild, 'treeDir' | 'index'>,
  compared: readonly { readonly object: string; readonly diff: ObjectDiff }[],
  compiled: (object: IndexedObject) => Promise<Uint8Array>,
): Promise<void> {
  const own = new Set(compared.map(({ diff }) => diff.objectPath));
  const gone = compared.flatMap(({ object, diff }) =>
    diff.goneGlobals.map((name) => ({ name, from: diff.objectPath, object })),
  );
  if (gone.length === 0) return;
  const found = await mapAtOnce(kernel.index.objects, readers, async (object) => {
    const { path } = object;
    // Modules do not find each other's names, but what is exported.
    const possible = own.has(path) ? [] : gone.filter((one) => one.object === object.object);
    if (possible.length === 0) return [];
    const bytes = await readFile(join(kernel.treeDir, path)).catch(() => undefined);
    if (bytes === undefined || !isElf(bytes)) {
      const text = await readFile(join(kernel.treeDir, object.source), 'latin1').catch(() => '');
      return possible.filter(({ name }) => hasWord(text, name)).map((one) => ({ ...one, path, open: object }));
    }
    const one = namedIn(bytes, path, possible);
    return one === undefined ? [] : [{ ...one, path, open: undefined }];
  });
  const first = await firstNamed(found.flat(), compiled);
  if (first === undefined) return;
  const { path, name, from } = first;
  throw new LockstepError(
    'refused',
    'gone-global',
    `${from}: ${name} is gone, and ${path}, which the diff does not change, goes on to name it: a weak definition would take ` +
      'its place for everybody, and the running kernel cannot be told so. ' +
      `To go on: leave ${name} there, and give it the body that is to run.`,
    { object: from, function: name, by: path },
  );
}

interface Gone {
  readonly name: string;
  readonly from: string;
}

interface Naming extends Gone {
  readonly path: string;
  /** It has only its source's word. */
  readonly open: IndexedObject | undefined;
}

/** A word may be another's member, a variable of a function or a static function: the compiler knows. */
async function firstNamed(
  found: readonly Naming[],
  compiled: (object: IndexedObject) => Promise<Uint8Array>,
): Promise<Naming | undefined> {
  const certain = found.find(({ open }) => open === undefined);
  if (certain !== undefined) return certain;
  for (const naming of found) {
    if (naming.open === undefined) continue;
    // What does not compile by itself may name it.
    const bytes = await compiled(naming.open).catch(() => undefined);
    if (bytes === undefined || namedIn(bytes, naming.path, [naming]) !== undefined) return naming;
  }
  return undefined;
}

/** The first of the names that an object defines or refers to. */
function namedIn(bytes: Uint8Array, path: string, names: readonly Gone[]): Gone | undefined {
  // A name may be the end of a longer one.
  const possible = names.filter(({ name }) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(`${name}\0`),
  );
  if (possible.length === 0) return undefined;
  const { symbols } = parseElf(bytes, path);
  return possible.find(({ name }) => symbols.named(name).some((symbol) => symbol >= symbols.firstGlobal));
}

const comments = /\/\*(?:[^*]|\*(?!\/))*\*\/|\/\/.*/g;

const hasWord = (text: string, name: string): boolean =>
  text.includes(name) && new RegExp(`\\b${name}\\b`).test(text.replace(comments, ' '));
