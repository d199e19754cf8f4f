// SPDX-License-Identifier: GPL-2.0-only
import {
  relocationType,
  relocationWidthBytes,
  sectionFlag,
  sectionIndex,
  sectionType,
  stringAt,
  symbolBinding,
  symbolType,
  isPcRelative,
  type ElfFile,
  type ElfSection,
} from '@lockstep/domain/elf';
import { decodeInstruction, type TableLayouts } from '@lockstep/domain/object-diff';
import type { LinkedImage } from './linked-image';
import { fieldValue, targetOf, upperHalf } from './relocated-field';
import { definedSymbols, placeSections, type DefinedSymbol, type SectionPlaces } from './section-places';
import { objectTables, siteTableShapes, type ObjectTable, type SiteTableShape } from './site-tables';

/** One thing that the vendor's kernel has otherwise than the object. */
export interface ProofDifference {
  /**
   * `missing`: the vendor has no such function there; `size`, `code`: its bytes; `target`: what an address in it names;
   * `entry`: what a table says of a place in it; `variable`: the vendor has it elsewhere.
   */
  readonly kind: 'missing' | 'size' | 'code' | 'target' | 'entry' | 'variable';
  /** A function's name, or a section's (`.rodata`) where constants differ. */
  readonly name: string;
  /** From its start (bytes). */
  readonly offset: number;
  readonly ours: string;
  readonly vendors: string;
  /** Of an entry: `__jump_table`. */
  readonly table?: string;
}

export interface ObjectProof {
  /** Functions of the object. */
  readonly functions: number;
  /** Those that the vendor has byte for byte, each address naming the same. */
  readonly equal: number;
  /** Weak functions that another object overrides: the vendor's kernel has no use for them. */
  readonly overridden: readonly string[];
  readonly differences: readonly ProofDifference[];
}

/**
 * `vfs_read+0x1c: it has the bytes 0f 1f 44, the vendor's 66 90`
 * @param owner of the image: a vendor, or the kernel that was linked beside the object
 */
export function describeDifference(
  { kind, name, offset, ours, vendors, table }: ProofDifference,
  owner: 'vendor' | 'kernel' = 'vendor',
): string {
  const place = `${name}+0x${offset.toString(16)}`;
  switch (kind) {
    case 'missing':
    case 'variable':
      return `${name}: the ${owner} ${vendors}`;
    case 'size':
      return `${place}: it has ${ours}, the ${owner}'s ${vendors}`;
    case 'code':
      return `${place}: it has the bytes ${ours}, the ${owner}'s ${vendors}`;
    case 'target':
      return `${place}: it names ${ours}, the ${owner}'s ${vendors}`;
    case 'entry':
      return `${place}: of it ${table ?? 'a table'} says ${ours}, the ${owner}'s ${vendors}`;
  }
}

/** None of its functions is there: it was compiled, and the linker had no use for it (a library's part). */
export const isNotLinked = ({ functions, differences }: ObjectProof): boolean =>
  functions > 0 && differences.filter(({ kind }) => kind === 'missing').length >= functions;

/**
 * Compares an object as the kernel build makes it with the kernel or module that a vendor linked: every function byte for
 * byte, every field that the linker filled in computed from the symbol it names, what tables say of places in it, strings and
 * constants by content. Linear.
 */
export function proveObject(object: ElfFile, image: LinkedImage, layouts: TableLayouts): ObjectProof {
  const defined = definedSymbols(object);
  const places = placeSections(object, defined, image);
  const tables = objectTables(object, siteTableShapes(layouts));
  const comparison = new Comparison(object, image, places, tables);
  const overridden: string[] = [];
  const differences: ProofDifference[] = [];
  const functions = functionsOf(object, defined);
  for (const one of functions) {
    if (comparison.isOverridden(one)) overridden.push(one.name);
    else differences.push(...comparison.compareFunction(one));
  }
  const equal = functions.length - overridden.length - differences.length;
  return {
    functions: functions.length,
    equal,
    overridden,
    differences: [...differences, ...comparison.compareVariables(defined), ...comparison.compareUnnamed(functions)],
  };
}

/** By place, each once: an alias has the same code. What only tells the linker something (`.discard.text`) is in no kernel. */
function functionsOf({ sections }: ElfFile, defined: readonly DefinedSymbol[]): DefinedSymbol[] {
  const found = new Map<string, DefinedSymbol>();
  for (const one of defined) {
    const { flags = 0, name = '' } = sections[one.section] ?? {};
    if (!one.isFunction || one.sizeBytes === 0 || (flags & sectionFlag.exec) === 0) continue;
    if (name.startsWith('.discard')) continue;
    const key = `${one.section}:${one.value}`;
    if (!found.has(key)) found.set(key, one);
  }
  return [...found.values()];
}

/** A stretch of one of the object's sections, and where the image has it. */
interface Stretch {
  readonly name: string;
  readonly section: ElfSection;
  readonly start: number;
  readonly sizeBytes: number;
  readonly isCode: boolean;
}

class Comparison {
  /** Where sections without a symbol lie: known from the first address that names them, and the same for all others. */
  private readonly inferred = new Map<number, number>();

  constructor(
    private readonly object: ElfFile,
    private readonly image: LinkedImage,
    private readonly places: SectionPlaces,
    private readonly tables: readonly ObjectTable[],
  ) {}

  /** A weak function that is another object's in the image: one that is not weak, or a weak one that was linked before it. */
  isOverridden({ name, section, isWeak }: DefinedSymbol): boolean {
    const linked = isWeak ? this.image.global(name) : undefined;
    if (linked === undefined) return false;
    const start = this.startOf(section);
    if (start === undefined) return !linked.isWeak;
    const sizeBytes = this.object.sections[section]?.sizeBytes ?? 0;
    const isHere = linked.address >= start && linked.address < start + sizeBytes;
    // Its own vote alone would put the section wherever the other one is.
    const isKnown = linked.isWeak || this.places.sure.has(section);
    return !(isHere && isKnown);
  }

  compareFunction(one: DefinedSymbol): ProofDifference[] {
    const { name, section, value: start, sizeBytes } = one;
    const address = this.startOf(section);
    const namesakes = this.places.namesakes(one);
    const there = namesakes.find((symbol) => address !== undefined && symbol.address === (address + start) >>> 0);
    if (address === undefined || there === undefined) {
      const vendors = namesakes.length === 0 ? 'has no such function' : 'has it apart from its neighbours';
      return [{ kind: 'missing', name, offset: 0, ours: `${sizeBytes} bytes`, vendors }];
    }
    const elfSection = this.object.sections[section] as ElfSection;
    const found = this.compare({ name, section: elfSection, start, sizeBytes, isCode: true }, address);
    if (there.sizeBytes === sizeBytes) return found.length > 0 ? found : this.compareSites(one, address);
    const sizes = { ours: `${sizeBytes} bytes`, vendors: `${there.sizeBytes} bytes` };
    return [{ kind: 'size', name, offset: found[0]?.offset ?? Math.min(sizeBytes, there.sizeBytes), ...sizes }];
  }

  /** What tables say of a function whose code is the same: the first difference, or none. */
  private compareSites({ name, section, value, sizeBytes }: DefinedSymbol, sectionAddress: number): ProofDifference[] {
    const start = (sectionAddress + value) >>> 0;
    for (const { shape, section: table, sites } of this.tables) {
      const ours = sites.get(section)?.sitesIn(value, value + sizeBytes) ?? [];
      const theirs = this.image.sitesIn(shape, { start, end: start + sizeBytes });
      for (let rank = 0; rank < Math.max(ours.length, theirs.length); rank++) {
        const [own, other] = [ours[rank], theirs[rank]];
        const at = own === undefined ? Infinity : own.site - value;
        const otherAt = other === undefined ? Infinity : other.site - start;
        const told = { kind: 'entry', name, offset: Math.min(at, otherAt), table: shape.name } as const;
        if (own === undefined || other === undefined || table === undefined || at !== otherAt) {
          const [here, there] = [at <= otherAt, otherAt <= at].map((is) => (is ? 'something' : 'nothing'));
          return [{ ...told, ours: here ?? '', vendors: there ?? '' }];
        }
        const wrong = this.compareEntry(shape, { section: table, own: own.entry, other: other.entry });
        if (wrong !== undefined) return [{ ...told, ours: wrong.ours, vendors: wrong.vendors }];
      }
    }
    return [];
  }

  private compareEntry(
    { name, entryBytes, parts }: SiteTableShape,
    { section, own, other }: { readonly section: ElfSection; readonly own: number; readonly other: number },
  ): ProofDifference | undefined {
    // The last entry of a table may lack what only fills it up.
    const endsAt = Math.min(entryBytes, section.sizeBytes - own);
    for (const { from, to } of parts) {
      const sizeBytes = Math.min(to, endsAt) - from;
      const stretch = { name, section, start: own + from, sizeBytes, isCode: false };
      const [wrong] = this.compare(stretch, (other - own) >>> 0);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  /** Variables are named to the kernel, so that each must be where the code that uses it has it. */
  compareVariables(defined: readonly DefinedSymbol[]): ProofDifference[] {
    return defined.flatMap((one) => {
      const start = this.places.sure.has(one.section) ? this.places.starts.get(one.section) : undefined;
      if (!one.isVariable || one.isWeak || start === undefined) return [];
      const address = (start + one.value) >>> 0;
      const namesakes = this.places.namesakes(one);
      if (namesakes.some((symbol) => symbol.address === address)) return [];
      const vendors = namesakes.length === 0 ? 'has no such variable' : 'has it apart from its neighbours';
      return [{ kind: 'variable', name: one.name, offset: 0, ours: `${one.sizeBytes} bytes`, vendors }];
    });
  }

  /**
   * Constants that functions read (switches, initial values), and code that belongs to functions and has no name (what
   * alternatives are replaced by, where exceptions go on). Some are only known once others are compared.
   */
  compareUnnamed(functions: readonly DefinedSymbol[]): ProofDifference[] {
    const named = new Set(functions.map(({ section }) => section));
    const left = new Set(
      this.object.sections.filter(({ index, name, type, flags }) => {
        const isCode = (flags & sectionFlag.exec) !== 0 && !named.has(index);
        const isConstant = /^\.rodata(?!\.(?:str|cst))/.test(name) && (flags & sectionFlag.merge) === 0;
        return type === sectionType.progbits && (isCode || isConstant);
      }),
    );
    const differences: ProofDifference[] = [];
    for (let compared = -1; compared !== left.size;) {
      compared = left.size;
      for (const section of left) {
        const start = this.startOf(section.index);
        if (start === undefined) continue;
        left.delete(section);
        const { name, sizeBytes, flags } = section;
        const isCode = (flags & sectionFlag.exec) !== 0;
        differences.push(...this.compare({ name, section, start: 0, sizeBytes, isCode }, start));
      }
    }
    return differences;
  }

  private startOf(section: number): number | undefined {
    return this.places.starts.get(section) ?? this.inferred.get(section);
  }

  /** The first difference, or none. */
  private compare(stretch: Stretch, sectionAddress: number): ProofDifference[] {
    const { section, start, sizeBytes, name } = stretch;
    const ours = this.object.bytesOf(section).subarray(start, start + sizeBytes);
    const address = (sectionAddress + start) >>> 0;
    const theirs = this.image.bytesAt(address, sizeBytes);
    if (theirs === undefined) {
      return [{ kind: 'missing', name, offset: 0, ours: `${sizeBytes} bytes`, vendors: 'holds nothing there' }];
    }
    const relocations = this.object.relocationsOf(section);
    let at = 0;
    for (let rank = relocations?.firstFrom(start) ?? 0; relocations !== null && rank < relocations.count; rank++) {
      const field = relocations.offset(rank) - start;
      if (field >= sizeBytes) break;
      const widthBytes = relocationWidthBytes(relocations.type(rank)) ?? 0;
      const differing = firstDifference(ours, theirs, at, field);
      if (differing >= 0) return [codeDifference(name, differing, ours, theirs)];
      const relocation = {
        type: relocations.type(rank),
        symbol: relocations.symbol(rank),
        addend: relocations.addend(rank),
      };
      const wrong = this.compareField(relocation, { stretch, ours, theirs, field, address, widthBytes });
      if (wrong !== null) return [{ kind: 'target', name, offset: field, ...wrong }];
      at = field + widthBytes;
    }
    const differing = firstDifference(ours, theirs, at, sizeBytes);
    return differing < 0 ? [] : [codeDifference(name, differing, ours, theirs)];
  }

  private compareField(
    { type, symbol, addend }: Relocation,
    { stretch, ours, theirs, field, address, widthBytes }: Field,
  ): { ours: string; vendors: string } | null {
    if (widthBytes === 0) return type === relocationType.none ? null : { ours: `relocation ${type}`, vendors: '?' };
    const view = new DataView(theirs.buffer, theirs.byteOffset, theirs.byteLength);
    const place = address + field;
    const value = view.getUint32(field, true);
    const target = targetOf(type, value, place);
    const meant = this.addressOf(symbol);
    // In code, addresses relative to the place count from the instruction's end.
    const tail = isPcRelative(type) && stretch.isCode ? tailBytes(ours, field) : 0;
    if (meant === undefined) {
      const section = this.object.sections[this.object.symbols.section(symbol)];
      if (section === undefined || !this.object.symbols.isDefined(symbol))
        return { ours: this.nameOf(symbol), vendors: 'kernel has no such symbol' };
      const start = this.object.symbols.value(symbol);
      const offset = start + addend;
      if ((section.flags & sectionFlag.merge) !== 0) {
        const isNamed = this.object.symbols.type(symbol) !== symbolType.section;
        // What is named is a string's start, and the field may point behind its end (where a loop over it stops).
        return isNamed
          ? this.compareMerged(section, start, (target - addend) >>> 0)
          : this.compareMerged(section, offset + tail, (target + tail) >>> 0);
      }
      this.inferred.set(section.index, (target - offset) >>> 0);
      return null;
    }
    const expected = fieldValue(type, meant + addend, place);
    const isUpperRight =
      widthBytes === 4 || view.getUint32(field + 4, true) === upperHalf(type, { address: meant, addend, place });
    if (value === expected && isUpperRight) return null;
    return { ours: withOffset(this.nameOf(symbol), addend + tail), vendors: this.image.nameAt((target + tail) >>> 0) };
  }

  /** The lower half of a symbol's address in the image; undefined where only the fields that name it tell. */
  private addressOf(symbol: number): number | undefined {
    const { symbols } = this.object;
    const section = symbols.section(symbol);
    if (section === sectionIndex.absolute) return symbols.addressLow(symbol);
    if (symbols.binding(symbol) !== symbolBinding.local) {
      const global = this.image.global(symbols.name(symbol));
      if (global !== undefined) return global.address;
      // A weak symbol that nobody defines is 0.
      if (section === sectionIndex.undefined) return symbols.binding(symbol) === symbolBinding.weak ? 0 : undefined;
    }
    const start = this.startOf(section);
    return start === undefined ? undefined : start + symbols.value(symbol);
  }

  private nameOf(symbol: number): string {
    const { symbols, sections } = this.object;
    if (symbols.type(symbol) !== symbolType.section) return symbols.name(symbol);
    return sections[symbols.section(symbol)]?.name ?? '';
  }

  /** Merged strings and constants have other places in every image: what is there counts. */
  private compareMerged(section: ElfSection, offset: number, target: number): { ours: string; vendors: string } | null {
    const bytes = this.object.bytesOf(section);
    if (offset < 0 || offset >= bytes.length)
      return { ours: `a place outside of ${section.name}`, vendors: this.image.nameAt(target) };
    const isText = (section.flags & sectionFlag.strings) !== 0;
    const end = isText
      ? bytes.indexOf(0, offset) + 1
      : Math.min(bytes.length, offset + Math.max(1, section.entryBytes));
    const ours = bytes.subarray(offset, end);
    const theirs = this.image.bytesAt(target, ours.length);
    if (theirs !== undefined && firstDifference(ours, theirs, 0, ours.length) < 0) return null;
    const show = (some: Uint8Array): string => (isText ? JSON.stringify(stringAt(some, 0, some.length)) : hex(some));
    return { ours: show(ours), vendors: theirs === undefined ? this.image.nameAt(target) : show(theirs) };
  }
}

interface Relocation {
  readonly type: number;
  readonly symbol: number;
  readonly addend: number;
}

interface Field {
  readonly stretch: Stretch;
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
  /** From the stretch's start (bytes). */
  readonly field: number;
  /** Of the stretch. */
  readonly address: number;
  readonly widthBytes: number;
}

/** How far the end of the instruction is from a field in it, which addresses relative to it are counted from. */
function tailBytes(code: Uint8Array, field: number): number {
  for (let at = 0; at <= field;) {
    const instruction = decodeInstruction(code, at, code.length);
    if (instruction === null) break;
    if (instruction.end > field) return instruction.end - field;
    at = instruction.end;
  }
  return 4;
}

function firstDifference(ours: Uint8Array, theirs: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++) if (ours[at] !== theirs[at]) return at;
  return -1;
}

const withOffset = (name: string, offset: number): string =>
  offset === 0 ? name : `${name}${offset < 0 ? '-' : '+'}0x${Math.abs(offset).toString(16)}`;

const shownBytes = 8;
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

function codeDifference(name: string, offset: number, ours: Uint8Array, theirs: Uint8Array): ProofDifference {
  const show = (bytes: Uint8Array): string => hex(bytes.subarray(offset, offset + shownBytes));
  return { kind: 'code', name, offset, ours: show(ours), vendors: show(theirs) };
}
