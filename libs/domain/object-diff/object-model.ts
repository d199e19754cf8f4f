// SPDX-License-Identifier: GPL-2.0-only
import { malformed, sectionType, symbolBinding, symbolType, type ElfFile, type ElfSection } from '@lockstep/domain/elf';
import { sectionRole, type SectionRole } from './section-roles';
import { decodeInstruction, endsFlow } from './x86-instruction';

/** A function, a variable, a section of merged constants, or bytes that no symbol covers. */
export interface Chunk {
  readonly id: number;
  readonly kind: 'function' | 'data' | 'constants' | 'anonymous';
  readonly section: ElfSection;
  readonly role: SectionRole;
  /** `[start, end)` in the section (bytes). */
  readonly start: number;
  readonly end: number;
  /** The symbol's name (the first global one, by name, of several at one place); the section's for the rest. */
  readonly name: string;
  /** All symbols' names. */
  readonly names: readonly string[];
  readonly scope: 'local' | 'global';
  readonly weak: boolean;
  /** For local symbols of an object linked from several: the source file; '' otherwise. */
  readonly file: string;
  /** Not the only chunk of its section: places in it are known only exactly. */
  readonly shared: boolean;
}

/** One object file, cut into chunks. */
export interface ObjectModel {
  readonly elf: ElfFile;
  readonly chunks: readonly Chunk[];
  readonly byName: ReadonlyMap<string, Chunk>;
  /** STT_FILE name, or ''. */
  readonly fileName: string;
  /** The chunk that holds `offset` of a section; null if none does (padding, ignored sections). */
  readonly chunkAt: (section: number, offset: number) => Chunk | null;
}

interface SymbolRange {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly isSized: boolean;
  readonly binding: number;
  readonly file: string;
}

type Draft = Omit<Chunk, 'id' | 'shared'>;

/** Cuts every section into chunks. Near-linear (sorts each section's symbols). */
export function buildObjectModel(elf: ElfFile): ObjectModel {
  const { bySection, fileName } = symbolRanges(elf);
  const chunks: Chunk[] = [];
  const bySectionIndex: Chunk[][] = [];
  for (const section of elf.sections) {
    const role = sectionRole(section);
    const drafts = draftsOf(elf, section, role, bySection.get(section.index) ?? []);
    bySectionIndex[section.index] = drafts.map((draft, index) => {
      const chunk: Chunk = { ...draft, id: chunks.length, shared: drafts.length > 1 };
      chunks.push(chunk);
      return chunksEndCheck(elf, chunk, index);
    });
  }
  const byName = new Map<string, Chunk>();
  for (const chunk of chunks) for (const name of chunk.names) if (!byName.has(name)) byName.set(name, chunk);
  return {
    elf,
    chunks,
    byName,
    fileName,
    chunkAt: (section, offset) => findChunk(bySectionIndex[section] ?? [], offset),
  };
}

function chunksEndCheck(elf: ElfFile, chunk: Chunk, index: number): Chunk {
  if (chunk.end > chunk.section.sizeBytes) {
    throw malformed(elf.name, `symbol ${chunk.name}`, `reaches past its section ${chunk.section.name}`, { index });
  }
  return chunk;
}

function symbolRanges(elf: ElfFile): { bySection: Map<number, SymbolRange[]>; fileName: string } {
  const { symbols } = elf;
  const bySection = new Map<number, SymbolRange[]>();
  const fileNames: string[] = [];
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    const type = symbols.type(symbol);
    if (type === symbolType.file) fileNames.push(symbols.name(symbol));
    if (type === symbolType.file || type === symbolType.section || !symbols.isDefined(symbol)) continue;
    const name = symbols.name(symbol);
    if (name === '' || name.startsWith('.L')) continue;
    const start = symbols.value(symbol);
    const range: SymbolRange = {
      name,
      start,
      end: start + symbols.sizeBytes(symbol),
      isSized: symbols.sizeBytes(symbol) > 0,
      binding: symbols.binding(symbol),
      // `ld -r` keeps the file symbols of its inputs, each before the local symbols of that file.
      file: fileNames.length > 1 && symbols.binding(symbol) === symbolBinding.local ? (fileNames.at(-1) ?? '') : '',
    };
    const ranges = bySection.get(symbols.section(symbol));
    if (ranges === undefined) bySection.set(symbols.section(symbol), [range]);
    else ranges.push(range);
  }
  return { bySection, fileName: fileNames[0] ?? '' };
}

function draftsOf(elf: ElfFile, section: ElfSection, role: SectionRole, symbols: SymbolRange[]): Draft[] {
  switch (role) {
    case 'ignored':
    case 'table':
    case 'replacement':
      return [];
    case 'constants':
      return [anonymous(section, role, 'constants', 0, section.sizeBytes)];
    case 'registration':
      // Labels in here carry counters and line numbers (`__initcall__kmod_proc__170_162_…`): content decides.
      return namedOrUnnamed(
        elf,
        section,
        role,
        symbols.filter((symbol) => symbol.isSized),
      );
    case 'code':
    case 'data':
      return namedOrUnnamed(elf, section, role, symbols);
  }
}

function namedOrUnnamed(elf: ElfFile, section: ElfSection, role: SectionRole, symbols: SymbolRange[]): Draft[] {
  return symbols.length > 0 ? namedDrafts(elf, section, role, symbols) : unnamedDrafts(elf, section, role);
}

function anonymous(
  section: ElfSection,
  role: SectionRole,
  kind: 'constants' | 'anonymous',
  start: number,
  end: number,
): Draft {
  const { name } = section;
  return { kind, section, role, start, end, name, names: [], scope: 'local', weak: false, file: '' };
}

/** A section without symbols: `.fixup` and `.altinstr_aux` hold snippets that each end in a jump; the rest is one. */
function unnamedDrafts(elf: ElfFile, section: ElfSection, role: SectionRole): Draft[] {
  if (section.sizeBytes === 0) return [];
  if (role !== 'code') return [anonymous(section, role, 'anonymous', 0, section.sizeBytes)];
  const bytes = elf.bytesOf(section);
  const drafts: Draft[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length;) {
    const instruction = decodeInstruction(bytes, at, bytes.length);
    if (instruction === null) break;
    at = instruction.end;
    if (!endsFlow(instruction)) continue;
    drafts.push(anonymous(section, role, 'anonymous', start, at));
    start = at;
  }
  if (start < bytes.length) drafts.push(anonymous(section, role, 'anonymous', start, bytes.length));
  return drafts;
}

function namedDrafts(elf: ElfFile, section: ElfSection, role: SectionRole, symbols: SymbolRange[]): Draft[] {
  const groups = groupOverlapping(symbols);
  const drafts: Draft[] = [];
  let covered = 0;
  groups.forEach((group, index) => {
    if (isContent(elf, section, covered, group.start)) {
      drafts.push(anonymous(section, role, 'anonymous', covered, group.start));
    }
    // A label without size (assembly) reaches to the next one.
    const end = group.end > group.start ? group.end : (groups[index + 1]?.start ?? section.sizeBytes);
    drafts.push(named(section, role, group, end));
    covered = end;
  });
  if (isContent(elf, section, covered, section.sizeBytes)) {
    drafts.push(anonymous(section, role, 'anonymous', covered, section.sizeBytes));
  }
  return drafts;
}

interface SymbolGroup {
  readonly start: number;
  end: number;
  readonly members: SymbolRange[];
}

/** Aliases and nested symbols make one chunk. */
function groupOverlapping(symbols: SymbolRange[]): SymbolGroup[] {
  const groups: SymbolGroup[] = [];
  for (const symbol of symbols.sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = groups.at(-1);
    if (last !== undefined && (symbol.start < last.end || symbol.start === last.start)) {
      last.end = Math.max(last.end, symbol.end);
      last.members.push(symbol);
    } else groups.push({ start: symbol.start, end: symbol.end, members: [symbol] });
  }
  return groups;
}

function named(section: ElfSection, role: SectionRole, group: SymbolGroup, end: number): Draft {
  const first = group.members
    .filter(({ start }) => start === group.start)
    .sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))[0] as SymbolRange;
  return {
    kind: role === 'code' ? 'function' : 'data',
    section,
    role,
    start: group.start,
    end,
    name: first.name,
    names: group.members.map(({ name }) => name),
    scope: first.binding === symbolBinding.local ? 'local' : 'global',
    weak: first.binding === symbolBinding.weak,
    file: first.file,
  };
}

const rank = ({ binding }: SymbolRange) =>
  binding === symbolBinding.global ? 0 : binding === symbolBinding.weak ? 1 : 2;

/** Whether `[start, end)` between symbols is more than padding. */
function isContent(elf: ElfFile, section: ElfSection, start: number, end: number): boolean {
  if (end <= start) return false;
  const relocations = elf.relocationsOf(section);
  if (relocations !== null) {
    const first = relocations.firstFrom(start);
    if (first < relocations.count && relocations.offset(first) < end) return true;
  }
  if (section.type === sectionType.nobits) return end - start >= section.alignment;
  const bytes = elf.bytesOf(section);
  if (sectionRole(section) === 'code') return !isCodePadding(bytes, start, end);
  return bytes.subarray(start, end).some((byte) => byte !== 0);
}

const paddingOpcodes: readonly number[] = [0x90, 0x0f1f, 0xcc];

/** Between functions: nops of all lengths, or int3. */
function isCodePadding(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    const instruction = decodeInstruction(bytes, at, end);
    if (instruction === null || !paddingOpcodes.includes(instruction.opcode)) return false;
    at = instruction.end;
  }
  return true;
}

function findChunk(chunks: readonly Chunk[], offset: number): Chunk | null {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunks[middle] as Chunk).start <= offset) low = middle + 1;
    else high = middle;
  }
  const chunk = chunks[low - 1];
  if (chunk === undefined) return null;
  // One past the end is a place too: end markers, empty variables.
  return offset <= chunk.end ? chunk : null;
}
