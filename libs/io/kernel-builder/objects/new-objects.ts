// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { registrationsIn } from '@lockstep/domain/object-diff';
import { parseElf, symbolBinding } from '@lockstep/domain/elf';
import { sourcePatchError, type IndexedObject } from '@lockstep/domain/source-patch';
import { runInFolder } from './run-in-tree';

export interface NewObject {
  readonly indexed: IndexedObject;
  readonly patched: Uint8Array;
}

interface Globals {
  readonly defined: ReadonlySet<string>;
  readonly undefined: ReadonlySet<string>;
}

/**
 * Objects of new source files have no original to be compared with: each is joined to the changed object that uses it,
 * where its functions count as new ones. What nothing uses does not run and is left out.
 * @throws LockstepError `registration-changed` where a new file registers something, `unsupported-change` where joining
 *   fails
 */
export async function addNewObjects(
  changed: readonly NewObject[],
  added: readonly NewObject[],
  signal?: AbortSignal,
): Promise<NewObject[]> {
  if (added.length === 0) return [...changed];
  for (const one of added) refuseRegistrations(one);
  const joined = new Map(changed.map((user) => [user, [user]]));
  const waiting = new Set(added);
  for (let grew = true; grew;) {
    grew = false;
    for (const candidate of waiting) {
      const user = [...joined.keys()].find((one) => joined.get(one)?.some((part) => uses(part, candidate)));
      if (user === undefined) continue;
      joined.get(user)?.push(candidate);
      waiting.delete(candidate);
      grew = true;
    }
  }
  return Promise.all([...joined].map(async ([user, parts]) => joinObjects(user, parts, signal)));
}

/** Said of the new file: joined to another, it would be that one's. */
function refuseRegistrations({ indexed, patched }: NewObject): void {
  const [first] = registrationsIn(patched, indexed.path);
  if (first === undefined) return;
  const names = first.names.length === 0 ? '' : ` (${first.names.join(', ')})`;
  const message = `${indexed.source} is new, and what it registers in ${first.section}${names} is only read at boot or at module load. To go on: leave that out (initcalls, parameters, tracepoints), and do it in a callback of the livepatch.`;
  const fields = { object: indexed.path, file: indexed.source, section: first.section };
  throw new LockstepError('refused', 'registration-changed', message, fields);
}

function uses(user: NewObject, provider: NewObject): boolean {
  if (user.indexed.object !== provider.indexed.object) return false;
  const needed = globalsOf(user).undefined;
  return [...globalsOf(provider).defined].some((name) => needed.has(name));
}

const known = new WeakMap<NewObject, Globals>();

function globalsOf(object: NewObject): Globals {
  const cached = known.get(object);
  if (cached !== undefined) return cached;
  const { symbols } = parseElf(object.patched, object.indexed.path);
  const globals = { defined: new Set<string>(), undefined: new Set<string>() };
  for (let symbol = 1; symbol < symbols.count; symbol += 1) {
    if (symbols.binding(symbol) === symbolBinding.local) continue;
    globals[symbols.isDefined(symbol) ? 'defined' : 'undefined'].add(symbols.name(symbol));
  }
  known.set(object, globals);
  return globals;
}

async function joinObjects(user: NewObject, parts: readonly NewObject[], signal?: AbortSignal): Promise<NewObject> {
  if (parts.length === 1) return user;
  const dir = await mkdtemp(join(tmpdir(), 'lockstep-join-'));
  try {
    const files = parts.map((_, index) => join(dir, `${index}.o`));
    await Promise.all(parts.map(async ({ patched }, index) => writeFile(files[index] ?? '', patched)));
    // The differ pairs local symbols by the file that they come from: the joined object passes for the user's alone.
    for (const [index, { indexed }] of parts.entries()) {
      if (index > 0) await runInFolder(dir, 'objcopy', ['-N', basename(indexed.source), files[index] ?? ''], signal);
    }
    const output = join(dir, 'joined.o');
    // Functions and data of one name stay apart, for each must be told and taken by itself; tables (ORC, …) are joined.
    const apart = ['.text.*', '.data.*', '.bss.*'].map((pattern) => `--unique=${pattern}`);
    const { status, output: said } = await runInFolder(dir, 'ld', ['-r', ...apart, '-o', output, ...files], signal);
    if (status !== 0) {
      const reason = `it cannot be joined to ${user.indexed.path}, which uses it: ${said.trim()}`;
      throw sourcePatchError({ kind: 'unsupported-change', file: parts[1]?.indexed.path ?? '', reason });
    }
    // For locals without a file ld names one after its input.
    const inputs = parts.flatMap((_, index) => (index === 0 ? [] : ['-N', `${index}.o`]));
    await runInFolder(dir, 'objcopy', [...inputs, output], signal);
    return { indexed: user.indexed, patched: await readFile(output) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
