// SPDX-License-Identifier: GPL-2.0-only
import {
  isPcRelative,
  sectionFlag,
  sectionType,
  symbolType,
  type ElfSection,
  type SymbolTable,
} from '@lockstep/domain/elf';
import type { ObjectModel } from './object-model';

const [unknown, no, yes] = [0, 1, 2];

/*
 * A PC-relative operand counts from the end of its instruction, which is its own bytes and those of an immediate
 * behind it. How many is not known here, but it is the same in both builds.
 */
const operandBytes = 4;
const maxImmediateBytes = 4;

/** The two builds, with what is taken to be the same: sections and symbols by number, 0 for nothing. */
export interface PairedBuilds {
  readonly original: ObjectModel;
  readonly patched: ObjectModel;
  readonly sectionPairs: Uint32Array;
  readonly symbolTwins: Uint32Array;
}

/** `[start, end)` of a section (bytes). */
export interface ByteRange {
  readonly section: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Proves ranges of two builds equal by their bytes and relocations alone, without a look at functions and variables.
 * What refers to variables or to unnamed content is equal only as long as that is (Skim follows up).
 */
export class RangeEquality {
  private readonly layouts: Uint8Array;
  private readonly places: Uint8Array;
  private readonly contents: Uint8Array;

  constructor(private readonly builds: PairedBuilds) {
    this.layouts = new Uint8Array(builds.sectionPairs.length);
    this.places = new Uint8Array(builds.sectionPairs.length);
    this.contents = new Uint8Array(builds.sectionPairs.length);
  }

  /** Whether the bytes of two ranges are the same, but for `[maskStart, maskEnd)` from their start. */
  sameBytes(before: ByteRange, after: ByteRange, maskStart = 0, maskEnd = 0): boolean {
    const sizeBytes = before.end - before.start;
    if (after.end - after.start !== sizeBytes) return false;
    const [old, now] = [this.builds.original.elf, this.builds.patched.elf];
    const isEmpty = old.sectionTable.type(before.section) === sectionType.nobits;
    if (isEmpty || now.sectionTable.type(after.section) === sectionType.nobits) {
      return old.sectionTable.type(before.section) === now.sectionTable.type(after.section);
    }
    const [a, b] = [old.bytes, now.bytes];
    const left = old.sectionTable.contentOffset(before.section) + before.start;
    const right = now.sectionTable.contentOffset(after.section) + after.start;
    for (let at = 0; at < sizeBytes; at++) {
      if (a[left + at] !== b[right + at] && (at < maskStart || at >= maskEnd)) return false;
    }
    return true;
  }

  /**
   * Whether the relocations of two ranges mean the same.
   * @param exceptRank of this one (counted from the first) only place and type are compared
   * @param bias how far behind a string's start S + A lies, outside code
   */
  sameRelocations(before: ByteRange, after: ByteRange, exceptRank = -1, bias = 0): boolean {
    const a = this.builds.original.elf.relocationsOfIndex(before.section);
    const b = this.builds.patched.elf.relocationsOfIndex(after.section);
    const first = a === null ? 0 : a.firstFrom(before.start);
    let left = first;
    let right = b === null ? 0 : b.firstFrom(after.start);
    const shift = after.start - before.start;
    const isCode = (this.builds.original.elf.sectionTable.flags(before.section) & sectionFlag.exec) !== 0;
    for (; a !== null && left < a.count && a.offset(left) < before.end; left++, right++) {
      if (b === null || right >= b.count) return false;
      const type = a.type(left);
      if (b.offset(right) - shift !== a.offset(left) || b.type(right) !== type) return false;
      if (left - first === exceptRank) continue;
      const isExact = !isCode || !isPcRelative(type);
      const [from, to] = [[a.symbol(left), a.addend(left)] as const, [b.symbol(right), b.addend(right)] as const];
      if (!this.sameTarget(from, to, isExact, bias)) return false;
    }
    return b === null || right >= b.count || b.offset(right) >= after.end;
  }

  /** Whether the symbols of a section and of its pair are the same, at the same places, of the same size. */
  sameLayout(section: number): boolean {
    if (this.layouts[section] === unknown) this.layouts[section] = this.compareSymbols(section, true) ? yes : no;
    return this.layouts[section] === yes;
  }

  /** Whether a place in the section belongs to the same symbol in both builds; of a lone one the size does not matter. */
  private samePlaces(section: number): boolean {
    if (this.places[section] === unknown) {
      const isLone = this.builds.original.symbolsIn.count(section) === 1;
      const same = isLone ? this.compareSymbols(section, false) : this.sameLayout(section);
      this.places[section] = same ? yes : no;
    }
    return this.places[section] === yes;
  }

  private compareSymbols(section: number, withSizes: boolean): boolean {
    const { original, patched, sectionPairs, symbolTwins } = this.builds;
    const twin = sectionPairs[section] as number;
    if (twin === 0) return false;
    const [before, after] = [original.symbolsIn, patched.symbolsIn];
    const [a, b] = [original.elf.symbols, patched.elf.symbols];
    const count = before.count(section);
    if (count !== after.count(twin)) return false;
    for (let rank = 0; rank < count; rank++) {
      const [symbol, other] = [before.row(section, rank), after.row(twin, rank)];
      if (symbolTwins[symbol] !== other || a.type(symbol) !== b.type(other)) return false;
      if (a.value(symbol) !== b.value(other) || a.binding(symbol) !== b.binding(other)) return false;
      if (withSizes && a.sizeBytes(symbol) !== b.sizeBytes(other)) return false;
    }
    return true;
  }

  private sameTarget(
    [from, oldAddend]: readonly [number, number],
    [to, newAddend]: readonly [number, number],
    isExact: boolean,
    bias: number,
  ): boolean {
    const { original, patched, sectionPairs, symbolTwins } = this.builds;
    const [a, b] = [original.elf.symbols, patched.elf.symbols];
    if (!a.isDefined(from)) {
      return a.section(from) === 0 && b.section(to) === 0 && symbolTwins[from] === to && oldAddend === newAddend;
    }
    const section = a.section(from);
    if (!b.isDefined(to) || sectionPairs[section] !== b.section(to)) return false;
    const [before, after] = [a.value(from) + oldAddend, b.value(to) + newAddend];
    if (original.roles[section] === 'constants') {
      const hasLabel = a.type(from) !== symbolType.section;
      if (hasLabel !== (b.type(to) !== symbolType.section)) return false;
      if (before === after && a.value(from) === b.value(to) && this.sameContent(section)) return true;
      // The compiler's label stands at the constant's start.
      if (hasLabel) return oldAddend === newAddend && this.sameString(section, a.value(from), b.value(to), 0);
      if (isExact) return this.sameString(section, before - bias, after - bias, 0);
      return this.sameString(section, before + operandBytes, after + operandBytes, maxImmediateBytes);
    }
    if (original.roles[section] === 'replacement') return false;
    const isLabel = isPlaceLabel(a, from);
    if (isLabel !== isPlaceLabel(b, to)) return false;
    if (isLabel) return before === after && this.samePlaces(section);
    return symbolTwins[from] === to && a.value(from) === b.value(to) && oldAddend === newAddend;
  }

  private sameContent(section: number): boolean {
    if (this.contents[section] === unknown) {
      const twin = this.builds.sectionPairs[section] as number;
      const whole = (model: ObjectModel, index: number): ByteRange => {
        return { section: index, start: 0, end: model.elf.sectionTable.sizeBytes(index) };
      };
      const same = this.sameBytes(whole(this.builds.original, section), whole(this.builds.patched, twin));
      this.contents[section] = same ? yes : no;
    }
    return this.contents[section] === yes;
  }

  /** Whether all strings that begin at both places, or up to `slackBytes` behind them, are the same. */
  private sameString(section: number, before: number, after: number, slackBytes: number): boolean {
    const { original, patched, sectionPairs } = this.builds;
    const { flags, entryBytes } = original.elf.sectionTable.section(section) as ElfSection;
    if ((flags & sectionFlag.strings) === 0 || entryBytes !== 1 || before < 0 || after < 0) return false;
    const a = bytesOf(original, section);
    const b = bytesOf(patched, sectionPairs[section] as number);
    for (let at = 0; ; at++) {
      const byte = a[before + at];
      if (byte === undefined || byte !== b[after + at]) return false;
      if (byte === 0 && at >= slackBytes) return true;
    }
  }
}

function bytesOf({ elf }: ObjectModel, section: number): Uint8Array {
  return elf.bytesOf(elf.sectionTable.section(section) as ElfSection);
}

/** Section symbols and local labels say where, not what. */
function isPlaceLabel(symbols: SymbolTable, symbol: number): boolean {
  return symbols.type(symbol) === symbolType.section || symbols.strings.startsWith(symbols.nameOffset(symbol), '.L');
}
