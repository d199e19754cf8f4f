// SPDX-License-Identifier: GPL-2.0-only
import { isComparedByContent, type Chunk, type ObjectModel } from './object-model';
import type { ReferenceReader } from './references';
import type { Skim } from './skim';
import { isInitSection } from './section-roles';
import { unnumbered } from './symbol-names';
import { usersOf, type UsersOf } from './users';

/** Which chunk of the patched object is which of the original's. */
export class Correlation {
  private constructor(
    private readonly original: ObjectModel,
    private readonly patched: ObjectModel,
    private readonly skim: Skim,
    private readonly pairs: PairMap,
    private readonly unpaired: ReadonlySet<Chunk>,
    /** Patched static locals that may be one of several original ones. */
    readonly ambiguous: ReadonlySet<Chunk>,
    /** Patched functions by their names beside the first. */
    private readonly aliases: ReadonlyMap<string, Chunk>,
  ) {}

  /**
   * Pairs the chunks of two builds of one source file by name; static locals by who uses them, unless their numbers are
   * known to be the same ones.
   */
  static of(
    original: ReferenceReader,
    patched: ReferenceReader,
    skim: Skim,
    provenStatics: ReadonlySet<string>,
  ): Correlation {
    const pairs = new PairMap();
    const oldGroups = groupByName(chunksOf(original.model, skim.unsettled()));
    const newGroups = groupByName(chunksOf(patched.model, skim.unsettledPatched()));
    const staticLocals: [Chunk[], Chunk[]][] = [];
    for (const [key, oldChunks] of oldGroups) {
      const newChunks = newGroups.get(key);
      if (newChunks === undefined) continue;
      const [first] = oldChunks;
      if (first?.kind === 'data' && key.includes('.#')) {
        if (provenStatics.has(first.name.replace(/\.\d+$/, ''))) pairByName(pairs, oldChunks, newChunks);
        else staticLocals.push([oldChunks, newChunks]);
      } else pairSameNames(pairs, oldChunks, newChunks, original.model, patched.model);
    }
    pairAliases(pairs, chunksOf(original.model, skim.unsettled()), chunksOf(patched.model, skim.unsettledPatched()));
    const users = { original: usersOf(original, skim.unsettled()), patched: usersOf(patched, skim.unsettledPatched()) };
    const ambiguous = pairStaticLocals(pairs, staticLocals, users);
    const aliases = aliasesIn(chunksOf(patched.model, skim.unsettledPatched()));
    return new Correlation(original.model, patched.model, skim, pairs, new Set(), ambiguous, aliases);
  }

  /** What stands for its content has no pair: each function has its own. */
  toPatched(chunk: Chunk): Chunk | undefined {
    if (this.unpaired.has(chunk) || isComparedByContent(chunk)) return undefined;
    const aligned = this.skim.alignedWith(chunk.section.index);
    return aligned === 0 ? this.pairs.toPatched.get(chunk) : this.patched.chunksIn(aligned)[chunk.rank];
  }

  /** What a function of a name of its own is another name of with the patch. */
  toAlias({ kind, scope, name, section }: Chunk): Chunk | undefined {
    if (kind !== 'function' || scope !== 'global' || isInitSection(section.name)) return undefined;
    return this.aliases.get(name);
  }

  /** All of the section that an original chunk is in. */
  chunksBeside(original: Chunk): readonly Chunk[] {
    return this.original.chunksIn(original.section.index);
  }

  toOriginal(chunk: Chunk): Chunk | undefined {
    if (isComparedByContent(chunk)) return undefined;
    const aligned = this.skim.originalAlignedWith(chunk.section.index);
    const original = aligned === 0 ? this.pairs.toOriginal.get(chunk) : this.original.chunksIn(aligned)[chunk.rank];
    return original === undefined || this.unpaired.has(original) ? undefined : original;
  }

  /** The same without the pairs of some original chunks. */
  without(originals: readonly Chunk[]): Correlation {
    const unpaired = new Set([...this.unpaired, ...originals]);
    return new Correlation(this.original, this.patched, this.skim, this.pairs, unpaired, this.ambiguous, this.aliases);
  }
}

class PairMap {
  readonly toPatched = new Map<Chunk, Chunk>();
  readonly toOriginal = new Map<Chunk, Chunk>();

  /** A function that is gone after the start (`__init`) is not the one that stays with the patch. */
  add(original: Chunk, patched: Chunk): void {
    const { kind, section } = original;
    if (kind === 'function' && isInitSection(section.name) && !isInitSection(patched.section.name)) return;
    this.toPatched.set(original, patched);
    this.toOriginal.set(patched, original);
  }

  isFree(original: Chunk, patched: Chunk): boolean {
    return !this.toPatched.has(original) && !this.toOriginal.has(patched);
  }
}

function aliasesIn(chunks: readonly Chunk[]): Map<string, Chunk> {
  const functions = chunks.filter(({ kind, names }) => kind === 'function' && names.length > 1);
  return new Map(functions.flatMap((chunk) => chunk.names.map((name) => [name, chunk] as const)));
}

export function chunksOf(model: ObjectModel, sections: readonly number[]): Chunk[] {
  return sections.flatMap((section) => model.chunksIn(section));
}

function groupByName(chunks: readonly Chunk[]): Map<string, Chunk[]> {
  const groups = new Map<string, Chunk[]>();
  for (const chunk of chunks) {
    if (chunk.kind !== 'function' && (chunk.kind !== 'data' || isComparedByContent(chunk))) continue;
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
  pairByName(pairs, oldChunks, newChunks);
  // Clones that changed and were numbered anew: in the order of their numbers, unless one came or went.
  const [oldRest, newRest] = [
    oldChunks.filter((before) => !pairs.toPatched.has(before)),
    newChunks.filter((after) => !pairs.toOriginal.has(after)),
  ];
  if (oldRest.length !== newRest.length) return;
  byNumber(oldRest).forEach((before, index) => {
    pairs.add(before, byNumber(newRest)[index] as Chunk);
  });
}

/** A function or variable that has got one more name, which comes first among its names now, is the one that it was. */
function pairAliases(pairs: PairMap, oldChunks: readonly Chunk[], newChunks: readonly Chunk[]): void {
  for (const after of newChunks) {
    if (after.names.length < 2 || pairs.toOriginal.has(after)) continue;
    const [before, ...others] = oldChunks.filter(
      // A static one may be one of a source among several; its further name is global, and has no file.
      ({ kind, name, file }) =>
        kind === after.kind && (file === after.file || after.file === '') && after.names.includes(name),
    );
    if (before !== undefined && others.length === 0 && pairs.isFree(before, after)) pairs.add(before, after);
  }
}

/** Several of one name (files of one name, linked together) keep their order. */
function pairByName(pairs: PairMap, oldChunks: readonly Chunk[], newChunks: readonly Chunk[]): void {
  const newByName = byName(newChunks);
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
  users: { original: UsersOf; patched: UsersOf },
): Set<Chunk> {
  const ambiguous = new Set<Chunk>();
  if (groups.length === 0) return ambiguous;
  const oldUsers = users.original(groups.flatMap(([chunks]) => chunks));
  const newUsers = users.patched(groups.flatMap(([, chunks]) => chunks));
  const shareUser = (before: Chunk, after: Chunk) => {
    const mine = newUsers.get(after);
    return mine !== undefined && [...(oldUsers.get(before) ?? [])].some((user) => mine.has(user));
  };
  for (const [oldChunks, newChunks] of groups) {
    const candidates = new Map(
      newChunks.map((after) => [after, oldChunks.filter((before) => shareUser(before, after))]),
    );
    for (const after of newChunks) {
      const mine = candidates.get(after) ?? [];
      const rivals = newChunks.filter((other) => candidates.get(other)?.some((before) => mine.includes(before)));
      // Of several that one function uses, the number tells only in which order it does.
      const before = mine.length === 1 && rivals.length === 1 ? mine[0] : undefined;
      if (before !== undefined && pairs.isFree(before, after)) pairs.add(before, after);
    }
    if (oldChunks.some((chunk) => !pairs.toPatched.has(chunk))) {
      for (const chunk of newChunks) if (!pairs.toOriginal.has(chunk)) ambiguous.add(chunk);
    }
  }
  return ambiguous;
}

const numberOf = ({ name }: Chunk) => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
const byNumber = (chunks: readonly Chunk[]) => [...chunks].sort((a, b) => numberOf(a) - numberOf(b));
