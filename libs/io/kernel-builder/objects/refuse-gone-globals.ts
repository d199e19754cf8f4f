// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isElf, parseElf } from '@lockstep/domain/elf';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { ObjectDiff } from '@lockstep/domain/object-diff';
import { mapAtOnce } from '../processes/at-once';
import type { KernelBuild } from '../builds/registered-kernel';

/** Files read at once. */
const readers = 16;

/**
 * Refuses a patch that takes away a function or variable which an object that it leaves alone goes on to name. Such a kernel
 * links only where a weak definition, that object's or another's, takes its place: everybody would call that one, and in the
 * running kernel they go on to call the one that is gone from the source. Nothing is read where nothing is gone.
 * @throws LockstepError `gone-global`
 */
export async function refuseGoneGlobals(
  kernel: Pick<KernelBuild, 'treeDir' | 'index'>,
  compared: readonly { readonly object: string; readonly diff: ObjectDiff }[],
): Promise<void> {
  const own = new Set(compared.map(({ diff }) => diff.objectPath));
  const gone = compared.flatMap(({ object, diff }) =>
    diff.goneGlobals.map((name) => ({ name, from: diff.objectPath, object })),
  );
  if (gone.length === 0) return;
  const found = await mapAtOnce(kernel.index.objects, readers, async ({ path, source, object }) => {
    // Modules do not find each other's names, but what is exported.
    const possible = own.has(path) ? [] : gone.filter((one) => one.object === object);
    const one = possible.length === 0 ? undefined : await namedIn(kernel.treeDir, path, source, possible);
    return one === undefined ? [] : [{ path, ...one }];
  });
  const [first] = found.flat();
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

/** The first of the names that an object defines or refers to; by its source's words where a stock kernel has no object yet. */
async function namedIn(
  treeDir: string,
  path: string,
  source: string,
  names: readonly Gone[],
): Promise<Gone | undefined> {
  const bytes = await readFile(join(treeDir, path)).catch(() => undefined);
  if (bytes !== undefined && isElf(bytes)) {
    // A name may be the end of a longer one.
    const possible = names.filter(({ name }) => bytes.includes(`${name}\0`));
    if (possible.length === 0) return undefined;
    const { symbols } = parseElf(bytes, path);
    return possible.find(({ name }) => symbols.named(name).some((symbol) => symbol >= symbols.firstGlobal));
  }
  const text = await readFile(join(treeDir, source), 'latin1').catch(() => '');
  return names.find(({ name }) => new RegExp(`\\b${name}\\b`).test(text));
}
