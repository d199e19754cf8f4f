// SPDX-License-Identifier: GPL-2.0-only
import { relaBytes, relocationWidthBytes } from './constants';
import { malformed, type ElfBytes } from './elf-bytes';

const rowWords = relaBytes / 4;

/** Read-only view of the RELA relocations of one section, by rank in offset order. */
export class RelocationTable {
  private readonly words: Uint32Array;
  /** In `words`. */
  private readonly firstWord: number;
  /** Rank to index, where the file's own order is not by offset. */
  private readonly order: Uint32Array | null;

  /** `tableOffset`: in the file (bytes), a multiple of 4. */
  constructor(
    private readonly data: ElfBytes,
    private readonly tableOffset: number,
    readonly count: number,
  ) {
    this.words = data.words;
    this.firstWord = tableOffset / 4;
    this.order = this.isSorted() ? null : this.sortedOrder();
  }

  /** Place of the relocation in its section (bytes). */
  offset(rank: number): number {
    return this.words[this.at(rank)] as number;
  }

  symbol(rank: number): number {
    return this.words[this.at(rank) + 3] as number;
  }

  /** One of `relocationType`, or another R_X86_64_ value. */
  type(rank: number): number {
    return this.words[this.at(rank) + 2] as number;
  }

  addend(rank: number): number {
    const at = this.at(rank);
    return ((this.words[at + 5] as number) | 0) * 0x1_0000_0000 + (this.words[at + 4] as number);
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
  validate(sectionName: () => string, sectionBytes: number, symbolCount: number): void {
    for (let rank = 0; rank < this.count; rank++) {
      const at = this.at(rank);
      const width = relocationWidthBytes(this.type(rank)) ?? 1;
      const isInside = this.words[at + 1] === 0 && this.offset(rank) + width <= sectionBytes;
      if (isInside && this.symbol(rank) < symbolCount && Number.isSafeInteger(this.addend(rank))) continue;
      const what = `relocation at ${this.tableOffset + (at - this.firstWord) * 4} of ${sectionName()}`;
      if (!isInside) throw malformed(this.data.file, what, 'lies outside its section', { sectionBytes });
      if (this.symbol(rank) >= symbolCount) {
        throw malformed(this.data.file, what, 'names no symbol', { symbol: this.symbol(rank), symbolCount });
      }
      throw malformed(this.data.file, what, 'has an addend beyond 2^53');
    }
  }

  /** Index of the row's first word. */
  private at(rank: number): number {
    return this.firstWord + (this.order === null ? rank : (this.order[rank] as number)) * rowWords;
  }

  private isSorted(): boolean {
    const end = this.firstWord + this.count * rowWords;
    for (let at = this.firstWord + rowWords; at < end; at += rowWords) {
      if ((this.words[at - rowWords] as number) > (this.words[at] as number)) return false;
    }
    return true;
  }

  private sortedOrder(): Uint32Array {
    const offsetOf = (index: number) => this.words[this.firstWord + index * rowWords] as number;
    return Uint32Array.from({ length: this.count }, (_, index) => index).sort(
      (a, b) => offsetOf(a) - offsetOf(b) || a - b,
    );
  }
}
