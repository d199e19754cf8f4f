// SPDX-License-Identifier: GPL-2.0-only
import {
  ElfBytes,
  relocationType,
  stringAt,
  symbolType,
  type ElfFile,
  type ElfSection,
  type RelocationTable,
} from '@lockstep/domain/elf';

export interface DataPlace {
  readonly section: ElfSection;
  /** In the section (bytes). */
  readonly offset: number;
}

/** A pointer found in data: where, from the start of what was searched (bytes), and what it points to. */
export interface DataPointer {
  readonly at: number;
  readonly target: DataPlace;
}

/** A relocatable's data as C sees it: pointers are its 64-bit relocations, array sizes are its symbols'. */
export class DataReader {
  /** Sizes (bytes) of named data, by section and offset. */
  private readonly sizes = new Map<string, number>();

  constructor(readonly elf: ElfFile) {
    const { symbols } = elf;
    for (let symbol = 1; symbol < symbols.count; symbol++) {
      if (symbols.type(symbol) !== symbolType.object || !symbols.isDefined(symbol)) continue;
      this.sizes.set(`${symbols.section(symbol)} ${symbols.value(symbol)}`, symbols.sizeBytes(symbol));
    }
  }

  /** What the pointer at `place` + `at` points to; null for a null pointer, and for one out of the file. */
  follow({ section, offset }: DataPlace, at: number): DataPlace | null {
    const table = this.elf.relocationsOf(section);
    const rank = table?.firstFrom(offset + at) ?? 0;
    if (table === null || rank >= table.count || table.offset(rank) !== offset + at) return null;
    return this.targetOf(table, rank);
  }

  /** The pointers in `sizeBytes` from `place` on, in order. */
  pointersIn({ section, offset }: DataPlace, sizeBytes: number): DataPointer[] {
    const table = this.elf.relocationsOf(section);
    const found: DataPointer[] = [];
    if (table === null) return found;
    for (let rank = table.firstFrom(offset); rank < table.count; rank++) {
      const at = table.offset(rank) - offset;
      if (at >= sizeBytes) break;
      const target = this.targetOf(table, rank);
      if (target !== null) found.push({ at, target });
    }
    return found;
  }

  /** Places of all pointers to the start of a section. Linear in the file's relocations. */
  pointersTo(sectionName: string): DataPlace[] {
    return this.elf.sections.flatMap((section) =>
      this.pointersIn({ section, offset: 0 }, section.sizeBytes)
        .filter(({ target }) => target.section.name === sectionName && target.offset === 0)
        .map(({ at }) => ({ section, offset: at })),
    );
  }

  /** Bytes of the variable that starts at `place`; null if none does. */
  sizeOf({ section, offset }: DataPlace): number | null {
    return this.sizes.get(`${section.index} ${offset}`) ?? null;
  }

  /** 0 past the section's end and in sections without content. */
  u32({ section, offset }: DataPlace, at: number): number {
    const bytes = this.elf.bytesOf(section);
    return offset + at + 4 > bytes.length ? 0 : new ElfBytes(bytes, this.elf.name).u32(offset + at);
  }

  /** The text that ends with the first NUL. */
  text({ section, offset }: DataPlace): string {
    const bytes = this.elf.bytesOf(section);
    return stringAt(bytes, offset, bytes.length);
  }

  private targetOf(table: RelocationTable, rank: number): DataPlace | null {
    const { symbols, sections } = this.elf;
    const symbol = table.symbol(rank);
    if (table.type(rank) !== relocationType.absolute64 || !symbols.isDefined(symbol)) return null;
    const section = sections[symbols.section(symbol)];
    const offset = symbols.value(symbol) + table.addend(rank);
    return section === undefined || offset < 0 || offset >= section.sizeBytes ? null : { section, offset };
  }
}
