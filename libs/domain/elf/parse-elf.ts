// SPDX-License-Identifier: GPL-2.0-only
import { elfHeaderBytes, relaBytes, sectionFlag, sectionHeaderBytes, sectionType, symbolBytes } from './constants';
import { ElfBytes, malformed, stringAt } from './elf-bytes';
import { RelocationTable } from './relocation-table';
import { SymbolTable, type SymbolTablePlace } from './symbol-table';

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** One of `sectionType`, or another SHT_ value. */
  readonly type: number;
  /** `sectionFlag` bits. */
  readonly flags: number;
  /** Offset in the file (bytes). */
  readonly offset: number;
  readonly sizeBytes: number;
  readonly link: number;
  readonly info: number;
  /** At least 1. */
  readonly alignment: number;
  readonly entryBytes: number;
}

/** A parsed x86_64 ELF file. Sections are objects; symbols and relocations are views into the bytes. */
export interface ElfFile {
  /** As given to parseElf: used in errors. */
  readonly name: string;
  readonly kind: 'relocatable' | 'executable' | 'shared';
  readonly sections: readonly ElfSection[];
  readonly symbols: SymbolTable;
  /** The section's bytes; empty for SHT_NOBITS. */
  readonly bytesOf: (section: ElfSection) => Uint8Array;
  /** The ordinary relocations of a relocatable's section, in offset order; null if it has none. */
  readonly relocationsOf: (section: ElfSection) => RelocationTable | null;
}

const kinds: Readonly<Record<number, ElfFile['kind']>> = { 1: 'relocatable', 2: 'executable', 3: 'shared' };
const machineX8664 = 62;

/**
 * Reads an x86_64 ELF64 little-endian file. Time and memory are linear in the file, whatever its counts claim.
 * @param name what to call the file in errors
 * @throws LockstepError `invalid-input` (`malformed-elf`, `foreign-elf`) naming the field
 */
export function parseElf(bytes: Uint8Array, name: string): ElfFile {
  const data = new ElfBytes(bytes, name);
  const kind = checkHeader(data);
  const sections = readSections(data);
  const symbols = readSymbols(data, sections);
  const relocationSections = new Map<number, ElfSection>();
  for (const section of sections) {
    if (section.type !== sectionType.rela || (section.flags & sectionFlag.relaLivepatch) !== 0) continue;
    if (relocationSections.has(section.info) && section.info !== 0) {
      throw malformed(name, section.name, 'is a second relocation table of one section');
    }
    relocationSections.set(section.info, section);
  }
  const relocations = new Map<number, RelocationTable>();
  return {
    name,
    kind,
    sections,
    symbols,
    bytesOf: (section) =>
      section.type === sectionType.nobits
        ? bytes.subarray(0, 0)
        : bytes.subarray(section.offset, section.offset + section.sizeBytes),
    relocationsOf: (section) => {
      const table = relocationSections.get(section.index);
      // In linked files relocation offsets are addresses, which nothing here has use for.
      if (table === undefined || kind !== 'relocatable') return null;
      let parsed = relocations.get(section.index);
      if (parsed === undefined) {
        parsed = readRelocations(data, table, section, symbols.count);
        relocations.set(section.index, parsed);
      }
      return parsed;
    },
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

function readSections(data: ElfBytes): ElfSection[] {
  const { file } = data;
  const tableOffset = data.u64(40, 'e_shoff');
  if (tableOffset === 0) throw malformed(file, 'e_shoff', 'is 0: there are no sections');
  if (data.u16(58) !== sectionHeaderBytes) throw malformed(file, 'e_shentsize', 'is not 64');
  data.checkRange(tableOffset, sectionHeaderBytes, 'the section header table');
  // With 0xff00 sections or more the real numbers are in the first section header.
  const count = data.u16(60) === 0 ? data.u64(tableOffset + 32, 'the section count') : data.u16(60);
  const namesIndex = data.u16(62) === 0xffff ? data.u32(tableOffset + 40) : data.u16(62);
  data.checkRange(tableOffset, count * sectionHeaderBytes, 'the section header table');
  if (namesIndex >= count) throw malformed(file, 'e_shstrndx', 'names no section', { namesIndex, count });

  const namesHeader = tableOffset + namesIndex * sectionHeaderBytes;
  const namesOffset = data.u64(namesHeader + 24, 'sh_offset of the section names');
  const namesBytes = data.u64(namesHeader + 32, 'sh_size of the section names');
  data.checkRange(namesOffset, namesBytes, 'the section names');

  const sections = Array.from({ length: count }, (_, index) => {
    const at = tableOffset + index * sectionHeaderBytes;
    const nameOffset = data.u32(at);
    if (nameOffset >= namesBytes && nameOffset !== 0) {
      throw malformed(file, `sh_name of section ${index}`, 'lies outside the section names', { nameOffset });
    }
    return readSection(data, index, at, stringAt(data.bytes, namesOffset + nameOffset, namesOffset + namesBytes));
  });
  // Overlapping sections would let a small file claim gigabytes of symbols and relocations.
  const contentBytes = sections.reduce((sum, { type, sizeBytes }) => sum + (hasContent(type) ? sizeBytes : 0), 0);
  if (contentBytes > data.bytes.length) throw malformed(file, 'the section header table', 'has overlapping sections');
  return sections;
}

const hasContent = (type: number) => type !== sectionType.nobits && type !== sectionType.null;

function readSection(data: ElfBytes, index: number, at: number, name: string): ElfSection {
  const what = (field: string) => `${field} of section ${index} (${name})`;
  const section: ElfSection = {
    index,
    name,
    type: data.u32(at + 4),
    flags: data.u64(at + 8, what('sh_flags')),
    offset: data.u64(at + 24, what('sh_offset')),
    sizeBytes: data.u64(at + 32, what('sh_size')),
    link: data.u32(at + 40),
    info: data.u32(at + 44),
    alignment: Math.max(1, data.u64(at + 48, what('sh_addralign'))),
    entryBytes: data.u64(at + 56, what('sh_entsize')),
  };
  if (hasContent(section.type)) data.checkRange(section.offset, section.sizeBytes, what('sh_size'));
  if (section.sizeBytes > 0x7fff_ffff) throw malformed(data.file, what('sh_size'), 'is beyond 2 GiB');
  if (!Number.isInteger(Math.log2(section.alignment))) {
    throw malformed(data.file, what('sh_addralign'), 'is not a power of two', { alignment: section.alignment });
  }
  return section;
}

function readSymbols(data: ElfBytes, sections: readonly ElfSection[]): SymbolTable {
  const tables = sections.filter((section) => section.type === sectionType.symtab);
  const [table, second] = tables;
  if (second !== undefined) throw malformed(data.file, second.name, 'is a second symbol table');
  const empty: SymbolTablePlace = { offset: 0, count: 0, stringsOffset: 0, stringsBytes: 0, extendedOffset: -1 };
  if (table === undefined) return new SymbolTable(data, empty);
  if (table.entryBytes !== symbolBytes || table.sizeBytes % symbolBytes !== 0) {
    throw malformed(data.file, table.name, 'does not hold whole 24-byte symbols');
  }
  const strings = sections[table.link];
  if (strings?.type !== sectionType.strtab) {
    throw malformed(data.file, `sh_link of ${table.name}`, 'names no string table', { link: table.link });
  }
  const count = table.sizeBytes / symbolBytes;
  const extended = sections.find((section) => section.type === sectionType.symtabShndx && section.link === table.index);
  if (extended !== undefined && extended.sizeBytes < count * 4) {
    throw malformed(data.file, extended.name, 'is shorter than the symbol table');
  }
  const symbols = new SymbolTable(data, {
    offset: table.offset,
    count,
    stringsOffset: strings.offset,
    stringsBytes: strings.sizeBytes,
    extendedOffset: extended?.offset ?? -1,
  });
  symbols.validate(sections.length);
  return symbols;
}

function readRelocations(data: ElfBytes, table: ElfSection, target: ElfSection, symbolCount: number): RelocationTable {
  if (table.entryBytes !== relaBytes || table.sizeBytes % relaBytes !== 0) {
    throw malformed(data.file, table.name, 'does not hold whole 24-byte relocations');
  }
  const relocations = new RelocationTable(data, table.offset, table.sizeBytes / relaBytes);
  relocations.validate(table.name, target.sizeBytes, symbolCount);
  return relocations;
}
