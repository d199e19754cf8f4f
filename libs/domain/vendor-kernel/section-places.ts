// SPDX-License-Identifier: GPL-2.0-only
import { sectionFlag, symbolBinding, symbolType, type ElfFile } from '@lockstep/domain/elf';
import type { ImageSymbol, LinkedImage } from './linked-image';

/** A named symbol that an object defines in what is loaded. */
export interface DefinedSymbol {
  readonly symbol: number;
  readonly name: string;
  readonly section: number;
  /** From the section's start (bytes). */
  readonly value: number;
  readonly sizeBytes: number;
  readonly isFunction: boolean;
  readonly isVariable: boolean;
  readonly isLocal: boolean;
  readonly isWeak: boolean;
}

/** Where the linker put an object's sections, and the image's symbols that are this object's. */
export interface SectionPlaces {
  /** By section index: the lower half of its address. */
  readonly starts: ReadonlyMap<number, number>;
  /** Those of which more than weak symbols tell it. */
  readonly sure: ReadonlySet<number>;
  /** The image's symbols of that name that this object may have defined. */
  readonly namesakes: (defined: DefinedSymbol) => readonly ImageSymbol[];
}

export function definedSymbols(object: ElfFile): DefinedSymbol[] {
  const { symbols, sections } = object;
  const found: DefinedSymbol[] = [];
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    const type = symbols.type(symbol);
    if (type === symbolType.section || type === symbolType.file || !symbols.isDefined(symbol)) continue;
    const section = symbols.section(symbol);
    const flags = sections[section]?.flags ?? 0;
    // Merged strings and constants are laid one by one, each once for all objects.
    if ((flags & sectionFlag.alloc) === 0 || (flags & sectionFlag.merge) !== 0) continue;
    found.push({
      symbol,
      name: symbols.name(symbol),
      section,
      value: symbols.value(symbol),
      sizeBytes: symbols.sizeBytes(symbol),
      isFunction: type === symbolType.function,
      isVariable: type === symbolType.object,
      isLocal: symbols.binding(symbol) === symbolBinding.local,
      isWeak: symbols.binding(symbol) === symbolBinding.weak,
    });
  }
  return found;
}

/** `read_write.c`, as the compiler noted it; empty where it did not. */
function fileNameOf({ symbols }: ElfFile): string {
  for (let symbol = 1; symbol < symbols.count; symbol++)
    if (symbols.type(symbol) === symbolType.file) return symbols.name(symbol);
  return '';
}

/**
 * The linker lays each section of an object in one piece, so one symbol tells where all of it is. Of several source files
 * of the same name the one whose symbols agree most is the object's; within a section the majority counts, for a weak
 * function may be another object's.
 */
export function placeSections(object: ElfFile, defined: readonly DefinedSymbol[], image: LinkedImage): SectionPlaces {
  const groups = image.localsOf(fileNameOf(object));
  const candidates = groups.length === 0 ? [new Map<string, readonly ImageSymbol[]>()] : groups;
  const [best] = candidates
    .map((locals) => place(defined, locals, image))
    .sort((left, right) => right.agreeing - left.agreeing);
  return best ?? { starts: new Map(), sure: new Set(), namesakes: () => [] };
}

/** A weak symbol may be another object's: all of them together decide where nothing else does. */
const weakVote = 1e-6;

function place(
  defined: readonly DefinedSymbol[],
  locals: ReadonlyMap<string, readonly ImageSymbol[]>,
  image: LinkedImage,
): SectionPlaces & { agreeing: number } {
  const namesakes = ({ name, isLocal }: DefinedSymbol): readonly ImageSymbol[] => {
    if (isLocal) return locals.get(name) ?? [];
    const global = image.global(name);
    return global === undefined ? [] : [global];
  };
  const votes = new Map<number, Map<number, number>>();
  for (const one of defined) {
    const ofSection = votes.get(one.section) ?? new Map<number, number>();
    votes.set(one.section, ofSection);
    for (const { address } of namesakes(one)) {
      const start = (address - one.value) >>> 0;
      ofSection.set(start, (ofSection.get(start) ?? 0) + (one.isWeak ? weakVote : 1));
    }
  }
  const starts = new Map<number, number>();
  const sure = new Set<number>();
  let agreeing = 0;
  for (const [section, counts] of votes) {
    const [winner] = [...counts].sort(([, left], [, right]) => right - left);
    if (winner === undefined) continue;
    starts.set(section, winner[0]);
    if (winner[1] >= 1) sure.add(section);
    agreeing += winner[1];
  }
  return { starts, sure, namesakes, agreeing };
}
