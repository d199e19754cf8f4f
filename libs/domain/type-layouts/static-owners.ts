// SPDX-License-Identifier: GPL-2.0-only
import { parseElf, symbolType, type ElfFile } from '@lockstep/domain/elf';
import { attribute, number, readEntries, tag, text, type Entry } from './read-dwarf';

/** Whose a static variable is: the function that declares it, wherever that was inlined, and which of that name there. */
export interface StaticOwner {
  readonly function: string;
  readonly variable: string;
  /** Among those of one name in one function, in the order of the source. */
  readonly rank: number;
}

/** By symbol (`count.1`); of an object with debug information. */
export function staticOwners(object: Uint8Array, name: string): Map<string, StaticOwner> {
  const elf = parseElf(object, name);
  const declared = new Map<number, Omit<StaticOwner, 'rank'>>();
  const places = new Map<number, number>();
  readEntries(elf, (entry, path) => {
    if (entry.tag !== tag.variable) return;
    const origin = number(entry.get(attribute.abstractOrigin)) ?? entry.place;
    if (entry.addressAt !== undefined) places.set(origin, entry.addressAt);
    const [variable, owner] = [text(entry.get(attribute.name)), ownerOf(path)];
    if (variable !== null && owner !== null) declared.set(entry.place, { function: owner, variable });
  });
  const symbolAt = symbolsByPlace(elf);
  const counts = new Map<string, number>();
  const found = new Map<string, StaticOwner>();
  for (const [place, owner] of [...declared].sort(([a], [b]) => a - b)) {
    const symbol = symbolAt(places.get(place));
    if (symbol === undefined) continue;
    const key = `${owner.function} ${owner.variable}`;
    const rank = counts.get(key) ?? 0;
    counts.set(key, rank + 1);
    found.set(symbol, { ...owner, rank });
  }
  return found;
}

function ownerOf(path: readonly Entry[]): string | null {
  const owner = path.findLast((one) => one.tag === tag.subprogram);
  return owner === undefined ? null : text(owner.get(attribute.name));
}

/** The variable that a relocated address in .debug_info means. */
function symbolsByPlace(elf: ElfFile): (at: number | undefined) => string | undefined {
  const { symbols } = elf;
  const byPlace = new Map<string, string>();
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    if (symbols.type(symbol) !== symbolType.object || !symbols.isDefined(symbol)) continue;
    byPlace.set(`${symbols.section(symbol)} ${symbols.value(symbol)}`, symbols.name(symbol));
  }
  const section = elf.sections.find(({ name }) => name === '.debug_info');
  const table = section === undefined ? null : elf.relocationsOf(section);
  const meant = new Map<number, string>();
  for (let rank = 0; table !== null && rank < table.count; rank++) {
    const symbol = table.symbol(rank);
    const name = byPlace.get(`${symbols.section(symbol)} ${symbols.value(symbol) + table.addend(rank)}`);
    if (name !== undefined) meant.set(table.offset(rank), name);
  }
  return (at) => (at === undefined ? undefined : meant.get(at));
}

/** What one build's namesakes are called in another. */
export interface AlignedStatics {
  /** Its symbols by their names in the other build; new ones get names that no other has. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Names (`count`) of which it is known which is which. */
  readonly proven: ReadonlySet<string>;
}

/** A build's static variables: their symbols by name, and whose each is. */
export interface NamedStatics {
  readonly namesakes: ReadonlyMap<string, readonly string[]>;
  readonly owners: ReadonlyMap<string, StaticOwner>;
}

/** Tells by their functions which static variables of one name are the same in two builds, whatever number they have. */
export function alignStatics(original: NamedStatics, patched: NamedStatics): AlignedStatics {
  const renamed = new Map<string, string>();
  const proven = new Set<string>();
  for (const base of new Set([...original.namesakes.keys(), ...patched.namesakes.keys()])) {
    const [before, after] = [ownersOf(original, base), ownersOf(patched, base)];
    if (before === null || after === null || !sameCounts(before, after)) continue;
    const names = new Map([...before].map(([symbol, owner]) => [keyOf(owner), symbol]));
    for (const [symbol, owner] of after) {
      const fresh = `${base}.new_${owner.function}_${owner.rank}`.replace(/[^\w.]/g, '_');
      renamed.set(symbol, names.get(keyOf(owner)) ?? fresh);
    }
    proven.add(base);
  }
  return { renamed, proven };
}

const keyOf = ({ function: owner, variable, rank }: StaticOwner): string => `${owner} ${variable} ${rank}`;

/** null where it is not known whose one of them is. */
function ownersOf({ namesakes, owners }: NamedStatics, base: string): Map<string, StaticOwner> | null {
  const mine = [...owners].filter(([symbol]) => symbol.replace(/\.\d+$/, '') === base && symbol !== base);
  const known = new Map(mine);
  return (namesakes.get(base) ?? []).every((symbol) => known.has(symbol)) ? known : null;
}

/** Of several in one function, one that came or went could be any of them. */
function sameCounts(before: ReadonlyMap<string, StaticOwner>, after: ReadonlyMap<string, StaticOwner>): boolean {
  const countOf = (all: ReadonlyMap<string, StaticOwner>): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { function: owner } of all.values()) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return counts;
  };
  const [old, now] = [countOf(before), countOf(after)];
  return [...old].every(([owner, count]) => (now.get(owner) ?? count) === count);
}
