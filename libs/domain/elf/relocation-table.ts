// SPDX-License-Identifier: GPL-2.0-only
import { relaBytes, relocationWidthBytes } from './constants';
import { malformed, type ElfBytes } from './elf-bytes';

/** Read-only view of the RELA relocations of one section, by rank in offset order. */
export class RelocationTable {
  /** Rank to index, where the file's own order is not by offset. */
  private readonly order: Uint32Array | null;

  constructor(
    private readonly data: ElfBytes,
    private readonly tableOffset: number,
    readonly count: number,
  ) {
    this.order = this.sortedOrder();
  }

  /** Place of the relocation in its section (bytes). */
  offset(rank: number): number {
    return this.data.u32(this.at(rank));
  }

  symbol(rank: number): number {
    return this.data.u32(this.at(rank) + 12);
  }

  /** One of `relocationType`, or another R_X86_64_ value. */
  type(rank: number): number {
    return this.data.u32(this.at(rank) + 8);
  }

  addend(rank: number): number {
    return this.data.i64(this.at(rank) + 16);
  }

  /** Rank of the first relocation at or after `offset` (bytes); `count` if there is none. */
  firstFrom(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.offset(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Checks offsets, symbols and addends against the file's limits. Linear. */
  validate(sectionName: string, sectionBytes: number, symbolCount: number): void {
    for (let rank = 0; rank < this.count; rank++) {
      const what = `relocation at ${this.tableOffset + rank * relaBytes} of ${sectionName}`;
      const width = relocationWidthBytes(this.type(rank)) ?? 1;
      if (this.data.u32(this.at(rank) + 4) !== 0 || this.offset(rank) + width > sectionBytes) {
        throw malformed(this.data.file, what, 'lies outside its section', { sectionBytes });
      }
      if (this.symbol(rank) >= symbolCount) {
        throw malformed(this.data.file, what, 'names no symbol', { symbol: this.symbol(rank), symbolCount });
      }
      if (Number.isNaN(this.addend(rank))) throw malformed(this.data.file, what, 'has an addend beyond 2^53');
    }
  }

  private at(rank: number): number {
    return this.tableOffset + (this.order === null ? rank : (this.order[rank] ?? 0)) * relaBytes;
  }

  private sortedOrder(): Uint32Array | null {
    const offsetOf = (index: number) => this.data.u32(this.tableOffset + index * relaBytes);
    let sorted = true;
    for (let index = 1; sorted && index < this.count; index++) sorted = offsetOf(index - 1) <= offsetOf(index);
    if (sorted) return null;
    return Uint32Array.from({ length: this.count }, (_, index) => index).sort(
      (a, b) => offsetOf(a) - offsetOf(b) || a - b,
    );
  }
}
