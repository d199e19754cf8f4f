// SPDX-License-Identifier: GPL-2.0-only
import { elfHeaderBytes, relaBytes, sectionFlag, sectionType, symbolBytes } from './constants';
import { ElfBytes, malformed } from './elf-bytes';
import { RelocationTable } from './relocation-table';
import { SectionTable, type ElfSection } from './section-table';
import { StringTable } from './string-table';
import { SymbolTable, type SymbolTablePlace } from './symbol-table';

/** A parsed x86_64 ELF file: views into the bytes. */
export interface ElfFile {
  /** As given to parseElf: used in errors. */
  readonly name: string;
  readonly kind: 'relocatable' | 'executable' | 'shared';
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** Every section as an object; made when first asked for. */
  readonly sections: readonly ElfSection[];
  /** The same section by section, for files with very many. */
  readonly sectionTable: SectionTable;
  readonly symbols: SymbolTable;
  /** The section's bytes; empty for SHT_NOBITS. */
  readonly bytesOf: (section: ElfSection) => Uint8Array;
  /** The ordinary relocations of a relocatable's section, in offset order; null if it has none. */
  readonly relocationsOf: (section: ElfSection) => RelocationTable | null;
  /** As relocationsOf, by section index. */
  readonly relocationsOfIndex: (section: number) => RelocationTable | null;
}

const kinds: Readonly<Record<number, ElfFile['kind']>> = { 1: 'relocatable', 2: 'executable', 3: 'shared' };
const machineX8664 = 62;

/**
 * Reads an x86_64 ELF64 little-endian file. Time and memory are linear in the file, whatever its counts claim.
 * @param name what to call the file in errors
 * @throws LockstepError `invalid-input` (`malformed-elf`, `foreign-elf`) naming the field
 */
export function parseElf(file: Uint8Array, name: string): ElfFile {
  const data = new ElfBytes(file, name);
  const { bytes } = data;
  const kind = checkHeader(data);
  const sectionTable = SectionTable.read(data);
  const symbols = readSymbols(data, sectionTable);
  // In linked files relocation offsets are addresses, which nothing here has use for.
  const tableOf = kind === 'relocatable' ? relocationSections(data, sectionTable) : new Uint32Array(0);
  const relocations: (RelocationTable | undefined)[] = [];
  const relocationsOfIndex = (section: number): RelocationTable | null => {
    const table = tableOf[section] ?? 0;
    if (table === 0) return null;
    return (relocations[section] ??= readRelocations(data, sectionTable, table, section, symbols.count));
  };
  let sections: ElfSection[] | undefined;
  return {
    name,
    kind,
    bytes,
    sectionTable,
    symbols,
    get sections() {
      return (sections ??= Array.from({ length: sectionTable.count }, (_, index) => {
        return sectionTable.section(index) as ElfSection;
      }));
    },
    bytesOf: ({ type, offset, sizeBytes }) =>
      type === sectionType.nobits ? bytes.subarray(0, 0) : bytes.subarray(offset, offset + sizeBytes),
    relocationsOf: ({ index }) => relocationsOfIndex(index),
    relocationsOfIndex,
  };
}

function checkHeader(data: ElfBytes): ElfFile['kind'] {
  const { bytes, file } = data;
  const foreign = (what: string) => malformed(file, what, 'is not that of x86_64 ELF64, little-endian');
  if (bytes.length < elfHeaderBytes)
    throw malformed(file, 'the ELF header', 'is cut short', { fileBytes: bytes.length });
  if (data.u32(0) !== 0x464c_457f) throw malformed(file, 'the magic number', 'is missing');
  if (bytes[4] !== 2) throw foreign('EI_CLASS');
  if (bytes[5] !== 1) throw foreign('EI_DATA');
  if (data.u16(18) !== machineX8664) throw foreign('e_machine');
  const kind = kinds[data.u16(16)];
  if (kind === undefined) throw malformed(file, 'e_type', 'is neither relocatable nor executable nor shared');
  return kind;
}

/** By section: the index of its ordinary relocation table, 0 for none. */
function relocationSections(data: ElfBytes, sections: SectionTable): Uint32Array {
  const tableOf = new Uint32Array(sections.count);
  for (let table = 1; table < sections.count; table++) {
    if (sections.type(table) !== sectionType.rela || (sections.flags(table) & sectionFlag.relaLivepatch) !== 0)
      continue;
    const target = sections.info(table);
    if (target === 0 || target >= sections.count) continue;
    if (tableOf[target] !== 0) {
      throw malformed(data.file, sections.name(table), 'is a second relocation table of one section');
    }
    tableOf[target] = table;
  }
  return tableOf;
}

function readSymbols(data: ElfBytes, sections: SectionTable): SymbolTable {
  let index = 0;
  let extended = 0;
  for (let section = 1; section < sections.count; section++) {
    const type = sections.type(section);
    if (type === sectionType.symtabShndx) extended = section;
    if (type !== sectionType.symtab) continue;
    if (index !== 0) throw malformed(data.file, sections.name(section), 'is a second symbol table');
    index = section;
  }
  const table = sections.section(index);
  const noStrings = new StringTable(new Uint8Array(1));
  if (table?.type !== sectionType.symtab) {
    return new SymbolTable(data, { offset: 0, count: 0, firstGlobal: 0, strings: noStrings, extendedOffset: -1 });
  }
  if (table.entryBytes !== symbolBytes || table.sizeBytes % symbolBytes !== 0 || table.offset % 4 !== 0) {
    throw malformed(data.file, table.name, 'does not hold whole, aligned 24-byte symbols');
  }
  const strings = sections.section(table.link);
  if (strings?.type !== sectionType.strtab) {
    throw malformed(data.file, `sh_link of ${table.name}`, 'names no string table', { link: table.link });
  }
  const count = table.sizeBytes / symbolBytes;
  const indexes = extended === 0 ? undefined : sections.section(extended);
  if (indexes !== undefined && indexes.sizeBytes < count * 4) {
    throw malformed(data.file, indexes.name, 'is shorter than the symbol table');
  }
  const place: SymbolTablePlace = {
    offset: table.offset,
    count,
    firstGlobal: Math.min(table.info, count),
    strings: new StringTable(data.bytes.subarray(strings.offset, strings.offset + strings.sizeBytes)),
    extendedOffset: indexes?.offset ?? -1,
  };
  const symbols = new SymbolTable(data, place);
  symbols.validate(sections.count);
  return symbols;
}

function readRelocations(
  data: ElfBytes,
  sections: SectionTable,
  table: number,
  target: number,
  symbolCount: number,
): RelocationTable {
  const [offset, sizeBytes] = [sections.contentOffset(table), sections.sizeBytes(table)];
  if (sections.entryBytes(table) !== relaBytes || sizeBytes % relaBytes !== 0 || offset % 4 !== 0) {
    throw malformed(data.file, sections.name(table), 'does not hold whole, aligned 24-byte relocations');
  }
  const relocations = new RelocationTable(data, offset, sizeBytes / relaBytes);
  relocations.validate(() => sections.name(table), sections.sizeBytes(target), symbolCount);
  return relocations;
}
