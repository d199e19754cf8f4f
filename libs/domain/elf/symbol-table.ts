// SPDX-License-Identifier: GPL-2.0-only
import { sectionIndex, symbolBytes } from './constants';
import { malformed, type ElfBytes } from './elf-bytes';
import type { StringTable } from './string-table';

/** Where a symbol table lies in the file (bytes, a multiple of 4), already checked to be inside it. */
export interface SymbolTablePlace {
  readonly offset: number;
  readonly count: number;
  /** Local symbols come first; this is how many they are. */
  readonly firstGlobal: number;
  readonly strings: StringTable;
  /** Offset of the SHT_SYMTAB_SHNDX data; -1 without one. */
  readonly extendedOffset: number;
}

const rowWords = symbolBytes / 4;

/** Read-only view of SHT_SYMTAB: symbols are named by index, nothing is copied but names, once asked for. */
export class SymbolTable {
  readonly count: number;
  readonly firstGlobal: number;
  readonly strings: StringTable;
  private readonly words: Uint32Array;
  /** In `words`. */
  private readonly firstWord: number;

  constructor(
    private readonly data: ElfBytes,
    private readonly place: SymbolTablePlace,
  ) {
    this.count = place.count;
    this.firstGlobal = place.firstGlobal;
    this.strings = place.strings;
    this.words = data.words;
    this.firstWord = place.offset / 4;
  }

  name(symbol: number): string {
    return this.strings.text(this.nameOffset(symbol));
  }

  /** st_name: where the name is in `strings`. */
  nameOffset(symbol: number): number {
    return this.words[this.at(symbol)] as number;
  }

  /** One of `symbolType`, or another STT_ value. */
  type(symbol: number): number {
    return (this.words[this.at(symbol) + 1] as number) & 0xf;
  }

  /** One of `symbolBinding`, or another STB_ value. */
  binding(symbol: number): number {
    return ((this.words[this.at(symbol) + 1] as number) >>> 4) & 0xf;
  }

  /** A section's index, or a reserved one of `sectionIndex` (as stored, so 0xff00 to 0xffff). */
  section(symbol: number): number {
    const stored = this.storedSection(symbol);
    if (stored !== sectionIndex.extended || this.place.extendedOffset < 0) return stored;
    return this.data.u32(this.place.extendedOffset + symbol * 4);
  }

  /** Whether the symbol lies in a real section of this file. */
  isDefined(symbol: number): boolean {
    const stored = this.storedSection(symbol);
    return stored === sectionIndex.extended || (stored !== sectionIndex.undefined && stored < sectionIndex.reserved);
  }

  /** st_value as the offset in its section (bytes); for relocatables only. @throws LockstepError beyond 2^53 */
  value(symbol: number): number {
    return this.u64(symbol, 2, 'st_value');
  }

  /** The two 32-bit halves of st_value: kernel addresses are beyond 2^53. */
  addressHigh(symbol: number): number {
    return this.words[this.at(symbol) + 3] as number;
  }

  addressLow(symbol: number): number {
    return this.words[this.at(symbol) + 2] as number;
  }

  /** @throws LockstepError beyond 2^53 */
  sizeBytes(symbol: number): number {
    return this.u64(symbol, 4, 'st_size');
  }

  /** Indexes of all symbols called `name`, in table order. Linear: for one or two names, not for many. */
  named(name: string): number[] {
    const found: number[] = [];
    for (let symbol = 1; symbol < this.count; symbol++) if (this.name(symbol) === name) found.push(symbol);
    return found;
  }

  /** Checks every name and section index against the file's limits. Linear. */
  validate(sectionCount: number): void {
    const stringsBytes = this.strings.bytes.length;
    for (let symbol = 0; symbol < this.count; symbol++) {
      const nameOffset = this.nameOffset(symbol);
      if (nameOffset >= stringsBytes && nameOffset !== 0) {
        throw malformed(this.data.file, `st_name of symbol ${symbol}`, 'lies outside the string table', { nameOffset });
      }
      if (this.isDefined(symbol) && this.section(symbol) >= sectionCount) {
        throw malformed(this.data.file, `st_shndx of symbol ${symbol}`, 'names no section', {
          section: this.section(symbol),
          sectionCount,
        });
      }
    }
  }

  private storedSection(symbol: number): number {
    return (this.words[this.at(symbol) + 1] as number) >>> 16;
  }

  private u64(symbol: number, word: number, field: string): number {
    const at = this.at(symbol) + word;
    const value = (this.words[at] as number) + (this.words[at + 1] as number) * 0x1_0000_0000;
    if (value > Number.MAX_SAFE_INTEGER) {
      throw malformed(this.data.file, `${field} of symbol ${symbol}`, 'is larger than any file');
    }
    return value;
  }

  /** Index of the row's first word. */
  private at(symbol: number): number {
    return this.firstWord + symbol * rowWords;
  }
}
