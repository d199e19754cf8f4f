// SPDX-License-Identifier: GPL-2.0-only
import type { Chunk, ObjectModel } from './object-model';
import type { ReferenceReader } from './references';

/** Which chunk of the patched object is which of the original's. */
export interface Correlation {
  /** By chunk id. */
  readonly toPatched: ReadonlyMap<number, Chunk>;
  readonly toOriginal: ReadonlyMap<number, Chunk>;
  /** Patched static locals that may be one of several original ones; by chunk id. */
  readonly ambiguous: ReadonlySet<number>;
}

/*
 * Compiler- and macro-made statics that are only constants or once-flags of their function: each copy of the function
 * has its own. `_entry` and `_entry_ptr` are printk's index, `_rs` a rate limit, `descriptor` dynamic debug.
 */
const perFunctionStatic =
  /^(__func__|__FUNCTION__|__PRETTY_FUNCTION__|__warned|__already_done|__print_once|___done|__key|__msg|_rs|descriptor|_entry|_entry_ptr|CSWTCH|__UNIQUE_ID_\w+?)(\.\d+)*$/;

/** Whether two instances of this variable mean the same when their content is the same. */
export function isPerFunctionStatic(name: string): boolean {
  return perFunctionStatic.test(name) || name.startsWith('__UNIQUE_ID_');
}

const numberedSuffix = /\.\d+(?=\.|$)/g;

/** `count.5` → `count.#`, `work.constprop.1` → `work.constprop.#`. */
const unnumbered = (name: string) => name.replace(numberedSuffix, '.#');

/** `work.isra.0.cold` → `work`: the function as the source names it. */
export function sourceFunctionName(name: string): string {
  return name.replace(/\.(isra|part|constprop|cold|localalias|lto_priv|llvm)(\.\d+)*/g, '').replace(numberedSuffix, '');
}

/** Pairs the chunks of two builds of one source file by name, static locals also by who uses them. */
export function correlate(original: ReferenceReader, patched: ReferenceReader): Correlation {
  const pairs = new PairMap();
  const oldGroups = groupByName(original.model);
  const newGroups = groupByName(patched.model);
  const staticLocals: [Chunk[], Chunk[]][] = [];
  for (const [key, oldChunks] of oldGroups) {
    const newChunks = newGroups.get(key);
    if (newChunks === undefined) continue;
    const [first] = oldChunks;
    if (first?.kind === 'data' && key.includes('.#')) staticLocals.push([oldChunks, newChunks]);
    else pairSameNames(pairs, oldChunks, newChunks, original.model, patched.model);
  }
  const ambiguous = pairStaticLocals(pairs, staticLocals, original, patched);
  return { toPatched: pairs.toPatched, toOriginal: pairs.toOriginal, ambiguous };
}

/** The same without the pairs of some original chunks. */
export function withoutPairs(correlation: Correlation, originals: readonly Chunk[]): Correlation {
  const toPatched = new Map(correlation.toPatched);
  const toOriginal = new Map(correlation.toOriginal);
  for (const { id } of originals) {
    toOriginal.delete(toPatched.get(id)?.id ?? -1);
    toPatched.delete(id);
  }
  return { ...correlation, toPatched, toOriginal };
}

class PairMap {
  readonly toPatched = new Map<number, Chunk>();
  readonly toOriginal = new Map<number, Chunk>();

  add(original: Chunk, patched: Chunk): void {
    this.toPatched.set(original.id, patched);
    this.toOriginal.set(patched.id, original);
  }

  isFree(original: Chunk, patched: Chunk): boolean {
    return !this.toPatched.has(original.id) && !this.toOriginal.has(patched.id);
  }
}

function groupByName(model: ObjectModel): Map<string, Chunk[]> {
  const groups = new Map<string, Chunk[]>();
  for (const chunk of model.chunks) {
    if (chunk.kind !== 'function' && (chunk.kind !== 'data' || isPerFunctionStatic(chunk.name))) continue;
    const key = `${chunk.kind} ${chunk.file} ${unnumbered(chunk.name)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [chunk]);
    else group.push(chunk);
  }
  return groups;
}

/**
 * Any one-to-one pairing of functions is right (unchanged callers refer to the pair's other half by definition); a good
 * one reports few changes. Clones of one function (`.isra.0`, `.constprop.1`) are numbered anew when one comes or goes.
 */
function pairSameNames(
  pairs: PairMap,
  oldChunks: Chunk[],
  newChunks: Chunk[],
  original: ObjectModel,
  patched: ObjectModel,
): void {
  const newByName = byName(newChunks);
  const sameNames = oldChunks.length === newChunks.length && oldChunks.every(({ name }) => newByName.has(name));
  if (!sameNames && oldChunks.length + newChunks.length <= 64) {
    for (const before of oldChunks) {
      const twin = newChunks.find(
        (after) => pairs.isFree(before, after) && sameBytes(original, before, patched, after),
      );
      if (twin !== undefined) pairs.add(before, twin);
    }
  }
  // Several of one name (files of one name, linked together) keep their order.
  for (const [name, sameOld] of byName(oldChunks)) {
    newByName.get(name)?.forEach((after, index) => {
      const before = sameOld[index];
      if (before !== undefined && pairs.isFree(before, after)) pairs.add(before, after);
    });
  }
}

function byName(chunks: readonly Chunk[]): Map<string, Chunk[]> {
  const groups = new Map<string, Chunk[]>();
  for (const chunk of chunks) {
    const group = groups.get(chunk.name);
    if (group === undefined) groups.set(chunk.name, [chunk]);
    else group.push(chunk);
  }
  return groups;
}

function sameBytes(original: ObjectModel, before: Chunk, patched: ObjectModel, after: Chunk): boolean {
  const a = original.elf.bytesOf(before.section).subarray(before.start, before.end);
  const b = patched.elf.bytesOf(after.section).subarray(after.start, after.end);
  return a.length === b.length && a.length > 0 && a.every((byte, index) => byte === b[index]);
}

/** A static local is the same variable if some function uses it in both builds; its number says nothing. */
function pairStaticLocals(
  pairs: PairMap,
  groups: readonly [Chunk[], Chunk[]][],
  original: ReferenceReader,
  patched: ReferenceReader,
): Set<number> {
  const ambiguous = new Set<number>();
  if (groups.length === 0) return ambiguous;
  const oldUsers = usersOf(
    original,
    groups.flatMap(([chunks]) => chunks),
  );
  const newUsers = usersOf(
    patched,
    groups.flatMap(([, chunks]) => chunks),
  );
  const shareUser = (before: Chunk, after: Chunk) => {
    const users = newUsers.get(after.id);
    return users !== undefined && [...(oldUsers.get(before.id) ?? [])].some((user) => users.has(user));
  };
  for (const [oldChunks, newChunks] of groups) {
    const candidates = new Map(
      newChunks.map((after) => [after, oldChunks.filter((before) => shareUser(before, after))]),
    );
    for (const after of newChunks) {
      const mine = candidates.get(after) ?? [];
      const rivals = newChunks.filter((other) => candidates.get(other)?.some((before) => mine.includes(before)));
      // As many in both builds: the compiler numbers them in the order of the source.
      const before = mine.length === rivals.length ? byNumber(mine)[byNumber(rivals).indexOf(after)] : undefined;
      if (before !== undefined && pairs.isFree(before, after)) pairs.add(before, after);
    }
    if (oldChunks.some(({ id }) => !pairs.toPatched.has(id))) {
      for (const { id } of newChunks) if (!pairs.toOriginal.has(id)) ambiguous.add(id);
    }
  }
  return ambiguous;
}

const numberOf = ({ name }: Chunk) => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
const byNumber = (chunks: readonly Chunk[]) => [...chunks].sort((a, b) => numberOf(a) - numberOf(b));

/** For each wanted chunk, the source names of the functions and variables that refer to it. One pass over the object. */
function usersOf(reader: ReferenceReader, wanted: readonly Chunk[]): Map<number, Set<string>> {
  const users = new Map<number, Set<string>>(wanted.map(({ id }) => [id, new Set()]));
  for (const { from, to } of reader.referencesInto(new Set(wanted.map(({ section }) => section.index)))) {
    users.get(to.id)?.add(sourceFunctionName(from.name));
  }
  return users;
}
