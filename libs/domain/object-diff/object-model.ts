// SPDX-License-Identifier: GPL-2.0-only
import {
  malformed,
  sectionFlag,
  sectionType,
  symbolBinding,
  symbolType,
  type ElfFile,
  type ElfSection,
} from '@lockstep/domain/elf';
import { groupByKey, type RowGroups } from './group-by-key';
import { sectionRoles, type SectionRole } from './section-roles';
import { isPerFunctionStatic } from './symbol-names';
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
  /** Place among the chunks of its section. */
  readonly rank: number;
}

/** Chunks that stand for their content: no name says which of the other build's they are. */
export function isComparedByContent({ kind, name, section }: Chunk): boolean {
  return kind === 'anonymous' || (kind === 'data' && isPerFunctionStatic(name, section.name));
}

interface SymbolRange {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly isSized: boolean;
  readonly binding: number;
  readonly file: string;
}

type Draft = Omit<Chunk, 'id' | 'shared' | 'rank'>;

/**
 * One object file as functions and variables. A section is cut into chunks when it is first looked at: of a large
 * object nearly all never are.
 */
export class ObjectModel {
  readonly roles: readonly SectionRole[];
  /** STT_FILE name, or ''. */
  readonly fileName: string;
  private readonly fileSymbols: readonly number[];
  private readonly symbolsBySection: RowGroups;
  private readonly chunksBySection: (readonly Chunk[] | undefined)[] = [];
  private madeChunks = 0;

  constructor(readonly elf: ElfFile) {
    const { symbols, sectionTable } = elf;
    this.roles = sectionRoles(elf);
    const fileSymbols: number[] = [];
    const sectionOf = new Uint32Array(symbols.count);
    for (let symbol = 1; symbol < symbols.count; symbol++) {
      const type = symbols.type(symbol);
      if (type === symbolType.file) fileSymbols.push(symbol);
      else if (this.isPlaced(symbol, type)) sectionOf[symbol] = symbols.section(symbol);
    }
    this.symbolsBySection = groupByKey(sectionOf, sectionTable.count);
    this.fileSymbols = fileSymbols;
    this.fileName = fileSymbols[0] === undefined ? '' : symbols.name(fileSymbols[0]);
  }

  /** The named symbols defined in each section, in table order. */
  get symbolsIn(): RowGroups {
    return this.symbolsBySection;
  }

  /** The chunks of a section, in order. Near-linear in it. */
  chunksIn(section: number): readonly Chunk[] {
    return (this.chunksBySection[section] ??= this.cut(section));
  }

  /** The chunk that holds `offset` of a section; null if none does (padding, ignored sections). */
  chunkAt(section: number, offset: number): Chunk | null {
    return findChunk(this.chunksIn(section), offset);
  }

  /** The function or variable that has `name`; of several the one of source file `file`. Linear in the symbols. */
  find(name: string, file: string): Chunk | null {
    const { symbols } = this.elf;
    const found = symbols
      .named(name)
      .filter((symbol) => this.isPlaced(symbol, symbols.type(symbol)))
      .map((symbol) => this.chunkAt(symbols.section(symbol), symbols.value(symbol)));
    return found.find((chunk) => chunk?.file === file) ?? found[0] ?? null;
  }

  private isPlaced(symbol: number, type: number): boolean {
    const { symbols } = this.elf;
    if (type === symbolType.file || type === symbolType.section || !symbols.isDefined(symbol)) return false;
    const name = symbols.nameOffset(symbol);
    // Members of a list of type ids are numbered by line and counter: the list is what code refers to.
    return name !== 0 && !symbols.strings.startsWith(name, '.L') && !symbols.strings.startsWith(name, '__BTF_ID__');
  }

  private cut(index: number): Chunk[] {
    const section = this.elf.sectionTable.section(index) as ElfSection;
    const role = this.roles[index] ?? 'ignored';
    const ranges = Array.from(this.symbolsIn.rowsOf(index), (symbol) => this.rangeOf(symbol));
    const drafts = draftsOf(this.elf, section, role, ranges);
    return drafts.map((draft, rank) => {
      if (draft.end > section.sizeBytes) {
        throw malformed(this.elf.name, `symbol ${draft.name}`, `reaches past its section ${section.name}`);
      }
      return { ...draft, id: this.madeChunks++, shared: drafts.length > 1, rank };
    });
  }

  private rangeOf(symbol: number): SymbolRange {
    const { symbols } = this.elf;
    const start = symbols.value(symbol);
    const sizeBytes = symbols.sizeBytes(symbol);
    const binding = symbols.binding(symbol);
    // `ld -r` keeps the file symbols of its inputs, each before the local symbols of that file.
    const file = this.fileSymbols.length > 1 && binding === symbolBinding.local ? this.fileOf(symbol) : '';
    return { name: symbols.name(symbol), start, end: start + sizeBytes, isSized: sizeBytes > 0, binding, file };
  }

  private fileOf(symbol: number): string {
    let low = 0;
    let high = this.fileSymbols.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.fileSymbols[middle] ?? 0) < symbol) low = middle + 1;
      else high = middle;
    }
    const file = this.fileSymbols[low - 1];
    return file === undefined ? '' : this.elf.symbols.name(file);
  }
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
  if ((section.flags & sectionFlag.exec) !== 0) return !isCodePadding(bytes, start, end);
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
