// SPDX-License-Identifier: GPL-2.0-only
import type { ElfSection, RelocationTable } from '@lockstep/domain/elf';
import { groupByKey, type RowGroups } from './group-by-key';
import type { Chunk } from './object-model';
import type { Range, Reference, ReferenceReader } from './references';
import { differRefusal } from './refusal';
import { isSiteTable, type SiteTable } from './section-roles';
import type { TableLayouts } from './table-layouts';

/** One entry of a table of code sites. */
export interface SiteEntry {
  readonly table: SiteTable;
  readonly range: Range;
  /** The whole entry's size, which the range of a table's last entry may fall short of. */
  readonly entryBytes: number;
  readonly references: readonly Reference[];
  /** The code that `.altinstructions` may copy over the site; null for other tables. */
  readonly replacement: Range | null;
}

/** An entry of `.orc_unwind`: from `place` on (bytes from its chunk's start) the stack looks like this. */
export interface OrcEntry {
  readonly place: number;
  readonly bytes: Uint8Array;
}

/** One section of entries, grouped by the section of their code. */
export interface TableSection {
  readonly table: SiteTable;
  readonly section: ElfSection;
  readonly entryBytes: number;
  readonly relocations: RelocationTable;
  /** By entry: the rank of its first relocation, which is its site. */
  readonly siteRanks: Uint32Array;
  /** Entries by section index. */
  readonly bySection: RowGroups;
}

interface PlacedOrcEntry {
  /** In the code section. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** 0 where the kernel has no such table. */
export function entryBytesOf(table: SiteTable, layouts: TableLayouts): number {
  switch (table) {
    case '__bug_table':
      return layouts.bugEntryBytes;
    case '__ex_table':
      return layouts.exceptionEntryBytes;
    case '__jump_table':
      return layouts.jumpEntryBytes;
    case '.altinstructions':
      return layouts.alternativeEntryBytes;
    case '.parainstructions':
      return layouts.paravirtEntryBytes;
    case '.static_call_sites':
      return layouts.staticCallEntryBytes;
    case '__mcount_loc':
      return 8;
    case '.smp_locks':
    case '.retpoline_sites':
    case '.return_sites':
    case '.call_sites':
    case '.orc_unwind_ip':
      return 4;
  }
}

/** The site tables of one object. Each is indexed when it is first asked for; entries are read for single functions. */
export class CodeTables {
  private readonly indexed = new Map<SiteTable, readonly TableSection[]>();
  private readonly entries = new Map<number, Map<number, SiteEntry[]>>();
  private readonly orc = new Map<number, PlacedOrcEntry[]>();
  private readonly sections: readonly (readonly [SiteTable, ElfSection])[];

  constructor(
    private readonly reader: ReferenceReader,
    private readonly layouts: TableLayouts,
  ) {
    const { roles, elf } = reader.model;
    this.sections = roles.flatMap((role, index) => {
      const section = role === 'table' ? elf.sectionTable.section(index) : undefined;
      if (section === undefined || section.sizeBytes === 0 || !isSiteTable(section.name)) return [];
      return [[section.name, section] as const];
    });
  }

  /** All sections of one table, in order; more than one only where `ld -r` kept them apart. */
  sectionsOf(table: SiteTable): readonly TableSection[] {
    let found = this.indexed.get(table);
    if (found === undefined) {
      found = this.sections.filter(([name]) => name === table).map(([, section]) => this.index(table, section));
      this.indexed.set(table, found);
    }
    return found;
  }

  /** The entries about a piece of code, table by table; `.orc_unwind_ip` apart. */
  entriesOf(chunk: Chunk): readonly SiteEntry[] {
    const { index } = chunk.section;
    let ofSection = this.entries.get(index);
    if (ofSection === undefined) {
      ofSection = this.readEntries(index);
      this.entries.set(index, ofSection);
    }
    return ofSection.get(chunk.id) ?? [];
  }

  orcOf(chunk: Chunk): OrcEntry[] {
    const { index } = chunk.section;
    let ofSection = this.orc.get(index);
    if (ofSection === undefined) {
      ofSection = this.sectionsOf('.orc_unwind_ip').flatMap((table) => this.readOrc(table, index));
      ofSection.sort((a, b) => a.offset - b.offset);
      this.orc.set(index, ofSection);
    }
    return orcIn(ofSection, chunk);
  }

  /** Where entry number `entry` lies. The last `.parainstructions` entry lacks its tail padding. */
  static rangeOf({ section, entryBytes }: TableSection, entry: number): Range {
    return { section, start: entry * entryBytes, end: Math.min((entry + 1) * entryBytes, section.sizeBytes) };
  }

  private index(table: SiteTable, section: ElfSection): TableSection {
    const { elf } = this.reader.model;
    const entryBytes = entryBytesOf(table, this.layouts);
    if (entryBytes === 0) throw this.unreadable(section, 'this kernel build has no such table');
    const relocations = elf.relocationsOf(section);
    const count = Math.ceil(section.sizeBytes / entryBytes);
    const siteRanks = new Uint32Array(count);
    const sectionOf = new Uint32Array(count);
    let rank = 0;
    for (let entry = 0; entry < count; entry++) {
      const start = entry * entryBytes;
      while (relocations !== null && rank < relocations.count && relocations.offset(rank) < start) rank++;
      const isThere = relocations !== null && rank < relocations.count && relocations.offset(rank) === start;
      const symbol = isThere ? relocations.symbol(rank) : 0;
      if (!elf.symbols.isDefined(symbol)) {
        throw this.unreadable(section, `the entry at ${start} does not begin with the place of its code`);
      }
      siteRanks[entry] = rank;
      sectionOf[entry] = elf.symbols.section(symbol);
    }
    const bySection = groupByKey(sectionOf, elf.sectionTable.count);
    if (relocations === null) throw this.unreadable(section, 'it has no relocations');
    return { table, section, entryBytes, relocations, siteRanks, bySection };
  }

  private readEntries(sectionIndex: number): Map<number, SiteEntry[]> {
    const byChunk = new Map<number, SiteEntry[]>();
    for (const name of new Set(this.sections.map(([table]) => table))) {
      if (name === '.orc_unwind_ip') continue;
      for (const table of this.sectionsOf(name)) {
        for (const row of table.bySection.rowsOf(sectionIndex)) this.readEntry(table, row, byChunk);
      }
    }
    return byChunk;
  }

  private readEntry(table: TableSection, row: number, byChunk: Map<number, SiteEntry[]>): void {
    const range = CodeTables.rangeOf(table, row);
    const references = this.reader.referencesIn(range);
    const site = references[0];
    // A label of assembly in what looks like padding: no function's own.
    if (site?.target.kind !== 'chunk') return;
    const replacement = table.table === '.altinstructions' ? this.replacementOf(range, references) : null;
    const entry: SiteEntry = { table: table.table, range, entryBytes: table.entryBytes, references, replacement };
    const list = byChunk.get(site.target.chunk.id);
    if (list === undefined) byChunk.set(site.target.chunk.id, [entry]);
    else list.push(entry);
  }

  /**
   * null: the site is only turned into nops, and the entry names no code to put there; or the code is that of a thunk
   * in another object, as objtool replaced indirect calls in early 5.15.
   */
  private replacementOf(range: Range, references: readonly Reference[]): Range | null {
    const target = references[1]?.target;
    const lengthAt = range.start + this.layouts.alternativeLengthOffset;
    const sizeBytes = this.reader.model.elf.bytesOf(range.section)[lengthAt] ?? 0;
    if (target === undefined ? sizeBytes === 0 : target.kind === 'undefined') return null;
    if (target?.kind !== 'section' || target.place < 0 || target.place + sizeBytes > target.section.sizeBytes) {
      throw this.unreadable(range.section, `the entry at ${range.start} has no replacement code`);
    }
    return { section: target.section, start: target.place, end: target.place + sizeBytes };
  }

  private readOrc(table: TableSection, sectionIndex: number): PlacedOrcEntry[] {
    const { elf } = this.reader.model;
    const size = this.layouts.orcEntryBytes;
    const data = size === 0 ? undefined : this.orcStates(table.section.sizeBytes / 4);
    if (data === undefined) throw this.unreadable(table.section, 'it does not match .orc_unwind entry by entry');
    const bytes = elf.bytesOf(data);
    return Array.from(table.bySection.rowsOf(sectionIndex)).flatMap((row) => {
      const [reference] = this.reader.referencesIn(CodeTables.rangeOf(table, row));
      // Replacement code and unnamed remains of code sections need none: they never run where they lie.
      if (reference?.target.kind !== 'chunk') return [];
      const { chunk, place } = reference.target;
      return [{ offset: chunk.start + place, bytes: bytes.subarray(row * size, (row + 1) * size) }];
    });
  }

  /** The `.orc_unwind` that has `count` entries. */
  private orcStates(count: number): ElfSection | undefined {
    const { sectionTable } = this.reader.model.elf;
    for (let section = 1; section < sectionTable.count; section++) {
      const isOrc = sectionTable.names.startsWith(sectionTable.nameOffset(section), '.orc_unwind\0');
      if (isOrc && sectionTable.sizeBytes(section) === count * this.layouts.orcEntryBytes) {
        return sectionTable.section(section);
      }
    }
    return undefined;
  }

  private unreadable(section: ElfSection, problem: string) {
    return differRefusal('unreadable-table', `${section.name} cannot be read: ${problem}.`, {
      object: this.reader.model.elf.name,
      section: section.name,
      action: 'register the kernel build again, or report the object: its tables are unlike those of its kernel',
    });
  }
}

/**
 * The entries that hold inside `chunk`. objtool writes one only where the state changes, so a function that shares its
 * section may go on with the entry of the one before; the end of a section has a terminator of its own.
 */
function orcIn(entries: readonly PlacedOrcEntry[], chunk: Chunk): OrcEntry[] {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as PlacedOrcEntry).offset < chunk.start) low = middle + 1;
    else high = middle;
  }
  const found: OrcEntry[] = [];
  const before = entries[low - 1];
  if (before !== undefined && entries[low]?.offset !== chunk.start) found.push({ place: 0, bytes: before.bytes });
  for (let index = low; index < entries.length; index++) {
    const { offset, bytes } = entries[index] as PlacedOrcEntry;
    const isTerminator = offset === chunk.end && offset === chunk.section.sizeBytes;
    if (offset >= chunk.end && !isTerminator) break;
    found.push({ place: offset - chunk.start, bytes });
  }
  return found;
}
