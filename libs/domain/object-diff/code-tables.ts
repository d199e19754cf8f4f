// SPDX-License-Identifier: GPL-2.0-only
import type { ElfSection } from '@lockstep/domain/elf';
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

interface PlacedOrcEntry {
  /** In the code section. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The site tables of one object, sorted by the code they are about. */
export interface CodeTables {
  readonly entriesOf: (chunk: Chunk) => readonly SiteEntry[];
  readonly orcOf: (chunk: Chunk) => OrcEntry[];
}

function entryBytesOf(table: SiteTable, layouts: TableLayouts): number {
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
    case '__patchable_function_entries':
      return 8;
    case '.smp_locks':
    case '.retpoline_sites':
    case '.return_sites':
    case '.call_sites':
    case '.ibt_endbr_seal':
    case '.orc_unwind_ip':
      return 4;
  }
}

/** Reads all site tables. Linear in their size. */
export function readCodeTables(reader: ReferenceReader, layouts: TableLayouts): CodeTables {
  const entries = new Map<number, SiteEntry[]>();
  const orc = new Map<number, PlacedOrcEntry[]>();
  for (const section of reader.model.elf.sections) {
    if (!isSiteTable(section.name) || section.sizeBytes === 0) continue;
    if (section.name === '.orc_unwind_ip') readOrc(reader, section, layouts, orc);
    else readEntries(reader, section, section.name, layouts, entries);
  }
  for (const list of orc.values()) list.sort((a, b) => a.offset - b.offset);
  return {
    entriesOf: (chunk) => entries.get(chunk.id) ?? [],
    orcOf: (chunk) => orcIn(orc.get(chunk.section.index) ?? [], chunk),
  };
}

function readEntries(
  reader: ReferenceReader,
  section: ElfSection,
  table: SiteTable,
  layouts: TableLayouts,
  entries: Map<number, SiteEntry[]>,
): void {
  const entryBytes = entryBytesOf(table, layouts);
  if (entryBytes === 0) throw unreadable(reader, section, 'this kernel build has no such table');
  for (let start = 0; start < section.sizeBytes; start += entryBytes) {
    // The last `.parainstructions` entry lacks its tail padding.
    const range: Range = { section, start, end: Math.min(start + entryBytes, section.sizeBytes) };
    const references = reader.referencesIn(range);
    const site = references[0];
    if (site?.offset !== 0 || site.target.kind === 'undefined') {
      throw unreadable(reader, section, `the entry at ${start} does not begin with the place of its code`);
    }
    // A label of assembly in what looks like padding: no function's own.
    if (site.target.kind !== 'chunk') continue;
    const replacement = table === '.altinstructions' ? replacementOf(reader, range, references, layouts) : null;
    const entry: SiteEntry = { table, range, entryBytes, references, replacement };
    const list = entries.get(site.target.chunk.id);
    if (list === undefined) entries.set(site.target.chunk.id, [entry]);
    else list.push(entry);
  }
}

function replacementOf(
  reader: ReferenceReader,
  range: Range,
  references: readonly Reference[],
  layouts: TableLayouts,
): Range {
  const target = references[1]?.target;
  const lengthAt = range.start + layouts.alternativeLengthOffset;
  const sizeBytes = reader.model.elf.bytesOf(range.section)[lengthAt] ?? 0;
  if (target?.kind !== 'section' || target.place < 0 || target.place + sizeBytes > target.section.sizeBytes) {
    throw unreadable(reader, range.section, `the entry at ${range.start} has no replacement code`);
  }
  return { section: target.section, start: target.place, end: target.place + sizeBytes };
}

function readOrc(
  reader: ReferenceReader,
  section: ElfSection,
  layouts: TableLayouts,
  orc: Map<number, PlacedOrcEntry[]>,
): void {
  const { elf } = reader.model;
  const data = elf.sections.find(({ name }) => name === '.orc_unwind');
  const size = layouts.orcEntryBytes;
  if (data === undefined || size === 0 || data.sizeBytes / size !== section.sizeBytes / 4) {
    throw unreadable(reader, section, 'it does not match .orc_unwind entry by entry');
  }
  const bytes = elf.bytesOf(data);
  for (const { offset, target } of reader.referencesIn({ section, start: 0, end: section.sizeBytes })) {
    // Replacement code and unnamed remains of code sections need none: they never run where they lie.
    if (target.kind !== 'chunk') continue;
    const index = offset / 4;
    const entry = {
      offset: target.chunk.start + target.place,
      bytes: bytes.subarray(index * size, (index + 1) * size),
    };
    const list = orc.get(target.chunk.section.index);
    if (list === undefined) orc.set(target.chunk.section.index, [entry]);
    else list.push(entry);
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

function unreadable(reader: ReferenceReader, section: ElfSection, problem: string) {
  return differRefusal('unreadable-table', `${section.name} cannot be read: ${problem}.`, {
    object: reader.model.elf.name,
    section: section.name,
    action: 'register the kernel build again, or report the object: its tables are unlike those of its kernel',
  });
}
