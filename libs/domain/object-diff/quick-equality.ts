// SPDX-License-Identifier: GPL-2.0-only
import { isPcRelative, sectionFlag, symbolType, type ElfFile } from '@lockstep/domain/elf';
import type { Correlation } from './correlate';
import type { Chunk, ObjectModel } from './object-model';

const unknown = -2;
const none = -1;

/**
 * Proves chunks equal without building references: nearly all of a large object is unchanged, and most of its
 * relocations name the same symbol with the same addend. What it cannot prove is left to the thorough comparison.
 */
export class QuickEquality {
  /** Patched symbol that means the same as an original one; -1 none, -2 not looked up yet. */
  private readonly twins: Int32Array;
  private readonly patchedByName = new Map<string, number>();
  private readonly patchedSectionSymbols = new Map<number, number>();

  constructor(
    private readonly original: ObjectModel,
    private readonly patched: ObjectModel,
    private readonly correlation: Correlation,
  ) {
    this.twins = new Int32Array(original.elf.symbols.count).fill(unknown);
    const { symbols } = patched.elf;
    for (let symbol = symbols.count - 1; symbol > 0; symbol--) {
      if (symbols.type(symbol) === symbolType.section) this.patchedSectionSymbols.set(symbols.section(symbol), symbol);
      else this.patchedByName.set(symbols.name(symbol), symbol);
    }
  }

  /** Whether the two certainly have the same bytes and references. */
  proves(before: Chunk, after: Chunk): boolean {
    // Code that shares its section may branch to its neighbours without a relocation.
    const hidden = (chunk: Chunk) => chunk.shared && (chunk.section.flags & sectionFlag.exec) !== 0;
    if (hidden(before) || hidden(after) || before.end - before.start !== after.end - after.start) return false;
    return this.sameBytes(before, after) && this.sameRelocations(before, after);
  }

  private sameBytes(before: Chunk, after: Chunk): boolean {
    const a = this.original.elf.bytesOf(before.section);
    const b = this.patched.elf.bytesOf(after.section);
    if (a.length === 0 || b.length === 0) return a.length === b.length;
    const shift = after.start - before.start;
    for (let at = before.start; at < before.end; at++) if (a[at] !== b[at + shift]) return false;
    return true;
  }

  private sameRelocations(before: Chunk, after: Chunk): boolean {
    const a = this.original.elf.relocationsOf(before.section);
    const b = this.patched.elf.relocationsOf(after.section);
    if (a === null || b === null) return a === b;
    let right = b.firstFrom(after.start);
    for (let left = a.firstFrom(before.start); left < a.count; left++, right++) {
      const offset = a.offset(left);
      if (offset >= before.end) break;
      const type = a.type(left);
      if (right >= b.count || b.offset(right) - after.start !== offset - before.start || b.type(right) !== type)
        return false;
      const [from, to] = [a.symbol(left), b.symbol(right)];
      const same = this.twinOf(from) === to && a.addend(left) === b.addend(right);
      if (!same && !this.sameString(type, from, a.addend(left), to, b.addend(right))) return false;
    }
    return right >= b.count || b.offset(right) >= after.end;
  }

  private twinOf(symbol: number): number {
    let twin = this.twins[symbol] ?? none;
    if (twin === unknown) {
      twin = this.findTwin(symbol);
      this.twins[symbol] = twin;
    }
    return twin;
  }

  private findTwin(symbol: number): number {
    const { symbols } = this.original.elf;
    const isSection = symbols.type(symbol) === symbolType.section;
    const chunk = this.chunkOf(this.original, symbol);
    if (chunk === null) {
      const twin = isSection ? undefined : this.patchedByName.get(symbols.name(symbol));
      const bothUndefined =
        twin !== undefined && symbols.section(symbol) === 0 && this.patched.elf.symbols.section(twin) === 0;
      return bothUndefined ? twin : none;
    }
    const pair = this.correlation.toPatched.get(chunk.id);
    if (pair === undefined || (isSection && (chunk.shared || pair.shared || chunk.start !== pair.start))) return none;
    const twin = isSection
      ? this.patchedSectionSymbols.get(pair.section.index)
      : this.patchedByName.get(symbols.name(symbol));
    if (twin === undefined || (!isSection && this.chunkOf(this.patched, twin) !== pair)) return none;
    return symbols.value(symbol) - chunk.start === this.patched.elf.symbols.value(twin) - pair.start ? twin : none;
  }

  private chunkOf({ elf, chunkAt }: ObjectModel, symbol: number): Chunk | null {
    if (!elf.symbols.isDefined(symbol) || elf.symbols.name(symbol).startsWith('.L')) return null;
    return chunkAt(elf.symbols.section(symbol), elf.symbols.value(symbol));
  }

  /** Whether both mean strings of equal content; only where the addend says exactly which byte. */
  private sameString(type: number, from: number, oldAddend: number, to: number, newAddend: number): boolean {
    if (isPcRelative(type)) return false;
    const a = stringsAt(this.original.elf, from, oldAddend);
    const b = stringsAt(this.patched.elf, to, newAddend);
    if (a === null || b === null) return false;
    for (let at = 0; ; at++) {
      const byte = a.bytes[a.start + at];
      if (byte === undefined || byte !== b.bytes[b.start + at]) return false;
      if (byte === 0) return true;
    }
  }
}

function stringsAt(elf: ElfFile, symbol: number, addend: number): { bytes: Uint8Array; start: number } | null {
  if (!elf.symbols.isDefined(symbol)) return null;
  const section = elf.sections[elf.symbols.section(symbol)];
  const wanted = sectionFlag.merge | sectionFlag.strings;
  if (section === undefined || (section.flags & (wanted | sectionFlag.write)) !== wanted || section.entryBytes !== 1)
    return null;
  const start = elf.symbols.value(symbol) + addend;
  return start < 0 ? null : { bytes: elf.bytesOf(section), start };
}
