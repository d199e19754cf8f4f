// SPDX-License-Identifier: GPL-2.0-only
import {
  elfHeaderBytes,
  relaBytes,
  sectionFlag,
  sectionHeaderBytes,
  sectionIndex,
  sectionType,
  symbolBinding,
  symbolBytes,
} from './constants';

/** A section with content of its own; tables (.symtab, .rela…) are made by the writer. */
export interface OutputSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly alignment: number;
  readonly entryBytes: number;
  /** SHT_NOBITS: no bytes, only `sizeBytes`. */
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
}

export interface OutputSymbol {
  readonly name: string;
  /** One of `symbolBinding` and `symbolType`. */
  readonly binding: number;
  readonly type: number;
  /** Index into the sections given, or a reserved place. */
  readonly place: number | 'undefined' | 'absolute' | 'livepatch';
  readonly value: number;
  readonly sizeBytes: number;
}

export interface OutputRelocation {
  /** Place in the target section (bytes). */
  readonly offset: number;
  readonly type: number;
  /** Index into the symbols given. */
  readonly symbol: number;
  readonly addend: number;
}

/** One RELA section; several may apply to one section (`.rela.text`, `.klp.rela.vmlinux..text`). */
export interface OutputRelocations {
  readonly name: string;
  /** Beside SHF_INFO_LINK. */
  readonly flags: number;
  /** Index into the sections given. */
  readonly target: number;
  readonly entries: readonly OutputRelocation[];
}

export interface Relocatable {
  readonly sections: readonly OutputSection[];
  readonly symbols: readonly OutputSymbol[];
  readonly relocations: readonly OutputRelocations[];
}

interface PlacedSection extends OutputSection {
  readonly link: number;
  readonly info: number;
}

/** An x86_64 ELF64 relocatable. The same input gives the same bytes; indexes in the input are the input's own. */
export function writeRelocatable({ sections, symbols, relocations }: Relocatable): Uint8Array {
  const symtabIndex = 1 + sections.length + relocations.length;
  const { ordered, newIndexOf, localCount } = localsFirst(symbols);
  const strings = stringTable(ordered.map(({ name }) => name));
  const placed: PlacedSection[] = [
    ...sections.map((section) => ({ ...section, link: 0, info: 0 })),
    ...relocations.map((table) => relaSection(table, symtabIndex, newIndexOf)),
    {
      ...table('.symtab', sectionType.symtab, symtabData(ordered, strings.offsets), symbolBytes, 8),
      link: symtabIndex + 1,
      info: 1 + localCount,
    },
    { ...table('.strtab', sectionType.strtab, strings.bytes, 0, 1), link: 0, info: 0 },
  ];
  const names = stringTable([...placed.map(({ name }) => name), '.shstrtab']);
  placed.push({ ...table('.shstrtab', sectionType.strtab, names.bytes, 0, 1), link: 0, info: 0 });
  return layOut(placed, names.offsets);
}

function table(name: string, type: number, bytes: Uint8Array, entryBytes: number, alignment: number): OutputSection {
  return { name, type, flags: 0, alignment, entryBytes, bytes, sizeBytes: bytes.length };
}

/** ELF wants local symbols before all others, after the null symbol. */
function localsFirst(symbols: readonly OutputSymbol[]) {
  const isLocal = ({ binding }: OutputSymbol) => binding === symbolBinding.local;
  const indexed = symbols.map((symbol, index) => ({ symbol, index }));
  const locals = indexed.filter(({ symbol }) => isLocal(symbol));
  const ordered = [...locals, ...indexed.filter(({ symbol }) => !isLocal(symbol))];
  const newIndexOf = new Uint32Array(symbols.length);
  ordered.forEach(({ index: old }, index) => (newIndexOf[old] = index + 1));
  return { ordered: ordered.map(({ symbol }) => symbol), newIndexOf, localCount: locals.length };
}

function stringTable(strings: readonly string[]): { bytes: Uint8Array; offsets: number[] } {
  const encoder = new TextEncoder();
  const offsetOf = new Map<string, number>([['', 0]]);
  const parts: Uint8Array[] = [new Uint8Array(1)];
  let sizeBytes = 1;
  const offsets = strings.map((string) => {
    const known = offsetOf.get(string);
    if (known !== undefined) return known;
    const encoded = encoder.encode(`${string}\0`);
    const offset = sizeBytes;
    parts.push(encoded);
    offsetOf.set(string, offset);
    sizeBytes += encoded.length;
    return offset;
  });
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, offsets };
}

function symtabData(symbols: readonly OutputSymbol[], nameOffsets: readonly number[]): Uint8Array {
  const bytes = new Uint8Array((symbols.length + 1) * symbolBytes);
  const view = new DataView(bytes.buffer);
  symbols.forEach((symbol, index) => {
    const at = (index + 1) * symbolBytes;
    view.setUint32(at, nameOffsets[index] ?? 0, true);
    view.setUint8(at + 4, (symbol.binding << 4) | symbol.type);
    view.setUint16(at + 6, typeof symbol.place === 'number' ? symbol.place + 1 : sectionIndex[symbol.place], true);
    view.setBigUint64(at + 8, BigInt(symbol.value), true);
    view.setBigUint64(at + 16, BigInt(symbol.sizeBytes), true);
  });
  return bytes;
}

function relaSection(table: OutputRelocations, symtabIndex: number, newIndexOf: Uint32Array): PlacedSection {
  const bytes = new Uint8Array(table.entries.length * relaBytes);
  const view = new DataView(bytes.buffer);
  table.entries.forEach(({ offset, type, symbol, addend }, index) => {
    const at = index * relaBytes;
    view.setBigUint64(at, BigInt(offset), true);
    view.setUint32(at + 8, type, true);
    view.setUint32(at + 12, newIndexOf[symbol] ?? 0, true);
    view.setBigInt64(at + 16, BigInt(addend), true);
  });
  return {
    name: table.name,
    type: sectionType.rela,
    flags: table.flags | sectionFlag.infoLink,
    alignment: 8,
    entryBytes: relaBytes,
    bytes,
    sizeBytes: bytes.length,
    link: symtabIndex,
    info: table.target + 1,
  };
}

const alignUp = (value: number, alignment: number) => Math.ceil(value / alignment) * alignment;

function layOut(sections: readonly PlacedSection[], nameOffsets: readonly number[]): Uint8Array {
  let end = elfHeaderBytes;
  const offsets = sections.map(({ alignment, bytes }) => {
    const offset = alignUp(end, alignment);
    end = offset + bytes.length;
    return offset;
  });
  const tableOffset = alignUp(end, 8);
  const file = new Uint8Array(tableOffset + (sections.length + 1) * sectionHeaderBytes);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true); // ET_REL
  view.setUint16(18, 62, true); // EM_X86_64
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(tableOffset), true);
  view.setUint16(52, elfHeaderBytes, true);
  view.setUint16(58, sectionHeaderBytes, true);
  view.setUint16(60, sections.length + 1, true);
  view.setUint16(62, sections.length, true);
  sections.forEach((section, index) => {
    const offset = offsets[index] ?? 0;
    file.set(section.bytes, offset);
    const at = tableOffset + (index + 1) * sectionHeaderBytes;
    view.setUint32(at, nameOffsets[index] ?? 0, true);
    view.setUint32(at + 4, section.type, true);
    view.setBigUint64(at + 8, BigInt(section.flags), true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(section.sizeBytes), true);
    view.setUint32(at + 40, section.link, true);
    view.setUint32(at + 44, section.info, true);
    view.setBigUint64(at + 48, BigInt(section.alignment), true);
    view.setBigUint64(at + 56, BigInt(section.entryBytes), true);
  });
  return file;
}
