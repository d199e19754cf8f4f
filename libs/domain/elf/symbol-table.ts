// SPDX-License-Identifier: GPL-2.0-only
import { sectionIndex, symbolBytes } from './constants';
import { malformed, stringAt, type ElfBytes } from './elf-bytes';

/** Where a symbol table and its strings lie in the file (bytes), already checked to be inside it. */
export interface SymbolTablePlace {
  readonly offset: number;
  readonly count: number;
  readonly stringsOffset: number;
  readonly stringsBytes: number;
  /** Offset of the SHT_SYMTAB_SHNDX data; -1 without one. */
  readonly extendedOffset: number;
}

/** Read-only view of SHT_SYMTAB: symbols are named by index, nothing is copied but names, once asked for. */
export class SymbolTable {
  readonly count: number;
  private readonly names: (string | undefined)[] = [];

  constructor(
    private readonly data: ElfBytes,
    private readonly place: SymbolTablePlace,
  ) {
    this.count = place.count;
  }

  name(symbol: number): string {
    const known = this.names[symbol];
    if (known !== undefined) return known;
    const { stringsOffset, stringsBytes } = this.place;
    const start = stringsOffset + this.data.u32(this.at(symbol));
    const name = stringAt(this.data.bytes, start, stringsOffset + stringsBytes);
    this.names[symbol] = name;
    return name;
  }

  /** One of `symbolType`, or another STT_ value. */
  type(symbol: number): number {
    return (this.data.bytes[this.at(symbol) + 4] ?? 0) & 0xf;
  }

  /** One of `symbolBinding`, or another STB_ value. */
  binding(symbol: number): number {
    return (this.data.bytes[this.at(symbol) + 4] ?? 0) >> 4;
  }

  /** A section's index, or a reserved one of `sectionIndex` (as stored, so 0xff00 to 0xffff). */
  section(symbol: number): number {
    const stored = this.data.u16(this.at(symbol) + 6);
    if (stored !== sectionIndex.extended || this.place.extendedOffset < 0) return stored;
    return this.data.u32(this.place.extendedOffset + symbol * 4);
  }

  /** Whether the symbol lies in a real section of this file. */
  isDefined(symbol: number): boolean {
    const stored = this.data.u16(this.at(symbol) + 6);
    return stored === sectionIndex.extended || (stored !== sectionIndex.undefined && stored < sectionIndex.reserved);
  }

  /** st_value as the offset in its section (bytes); for relocatables only. */
  value(symbol: number): number {
    return this.data.u64(this.at(symbol) + 8, `st_value of symbol ${symbol}`);
  }

  /** The two 32-bit halves of st_value: kernel addresses are beyond 2^53. */
  addressHigh(symbol: number): number {
    return this.data.u32(this.at(symbol) + 12);
  }

  addressLow(symbol: number): number {
    return this.data.u32(this.at(symbol) + 8);
  }

  sizeBytes(symbol: number): number {
    return this.data.u64(this.at(symbol) + 16, `st_size of symbol ${symbol}`);
  }

  /** Indexes of all symbols called `name`, in table order. Linear: for one or two names, not for many. */
  named(name: string): number[] {
    const found: number[] = [];
    for (let symbol = 1; symbol < this.count; symbol++) if (this.name(symbol) === name) found.push(symbol);
    return found;
  }

  /** Checks every name and section index against the file's limits. Linear. */
  validate(sectionCount: number): void {
    for (let symbol = 0; symbol < this.count; symbol++) {
      const nameOffset = this.data.u32(this.at(symbol));
      if (nameOffset >= this.place.stringsBytes && nameOffset !== 0) {
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

  private at(symbol: number): number {
    return this.place.offset + symbol * symbolBytes;
  }
}
