// SPDX-License-Identifier: GPL-2.0-only
import {
  isPcRelative,
  relocationType,
  relocationWidthBytes,
  sectionFlag,
  symbolBinding,
  symbolType,
  type ElfSection,
} from '@lockstep/domain/elf';
import type { Chunk, ObjectModel } from './object-model';
import { isPerFunctionStatic } from './symbol-names';
import type { TableLayouts } from './table-layouts';
import { decodeInstruction } from './x86-instruction';

/** `[start, end)` of a section (bytes). */
export interface Range {
  readonly section: ElfSection;
  readonly start: number;
  readonly end: number;
}

/**
 * What a relocation means. `place` is S + A from the target's start: for code, usually 4 below the byte meant, since
 * x86 counts from the instruction's end; `bias` is that difference (negative in code) where it had to be known. `base` is
 * where the object meant begins: of a section of merged constants one constant, otherwise the whole chunk.
 */
export type Target =
  | {
      readonly kind: 'chunk';
      readonly chunk: Chunk;
      readonly place: number;
      readonly bias: number;
      readonly base: number;
    }
  | { readonly kind: 'undefined'; readonly name: string; readonly weak: boolean; readonly place: number }
  /** Into a section that is not cut into chunks (`.altinstr_replacement`). */
  | { readonly kind: 'section'; readonly section: ElfSection; readonly place: number }
  /**
   * Cannot be told apart; equal only to itself, and carried only where it comes to the same: among variables that lie
   * beside each other as they do in the kernel. `place` is counted from `near`, where there is one.
   */
  | { readonly kind: 'unclear'; readonly what: string; readonly place: number; readonly near?: Chunk };

export interface Reference {
  /** From the range's start (bytes). */
  readonly offset: number;
  readonly type: number;
  readonly widthBytes: number;
  readonly target: Target;
}

/** `indexed`: a register is added to the place. */
type Use = 'address' | 'access' | 'indexed';

/** Reads the relocations of one object as references between chunks. Caches instruction boundaries where it needs them. */
export class ReferenceReader {
  private readonly instructionEnds = new Map<number, Uint32Array | null>();

  constructor(
    readonly model: ObjectModel,
    private readonly layouts: TableLayouts,
  ) {}

  /** Everything that the bytes of `range` refer to, in offset order, direct branches out of it included. */
  referencesIn(range: Range): Reference[] {
    const table = this.model.elf.relocationsOf(range.section);
    const references: Reference[] = [];
    if (table !== null) {
      for (let rank = table.firstFrom(range.start); rank < table.count; rank++) {
        const offset = table.offset(rank);
        // An empty variable has no bytes, so no relocation, even where the next one's begins.
        if (offset >= range.end) break;
        const type = table.type(rank);
        if (type === relocationType.none) continue;
        references.push({
          offset: offset - range.start,
          // The same to the module loader; a call has the one or the other as its target is global or local.
          type: type === relocationType.plt32 ? relocationType.pc32 : type,
          widthBytes: relocationWidthBytes(type) ?? 0,
          target: this.target(range, offset, type, table.symbol(rank), table.addend(rank)),
        });
      }
    }
    return references;
  }

  /** As referencesIn, with the branches that the assembler resolved itself between functions of one section. */
  referencesOf(chunk: Chunk): Reference[] {
    const references = this.referencesIn(chunk);
    if (!chunk.shared || (chunk.section.flags & sectionFlag.exec) === 0) return references;
    const relocated = new Set(references.map(({ offset }) => offset));
    const branches = this.directBranchesOut(chunk).filter(({ offset }) => !relocated.has(offset));
    return branches.length === 0 ? references : [...references, ...branches].sort((a, b) => a.offset - b.offset);
  }

  /** Which chunk of some sections refers to which of others. Linear in the relocations of `from`. */
  referencesBetween(from: readonly number[], to: ReadonlySet<number>): { from: Chunk; to: Chunk }[] {
    const { elf } = this.model;
    const found: { from: Chunk; to: Chunk }[] = [];
    for (const section of from) {
      const table = elf.relocationsOfIndex(section);
      for (let rank = 0; table !== null && rank < table.count; rank++) {
        const symbol = table.symbol(rank);
        if (!to.has(elf.symbols.section(symbol))) continue;
        const referrer = this.model.chunkAt(section, table.offset(rank));
        if (referrer === null) continue;
        const target = this.target(referrer, table.offset(rank), table.type(rank), symbol, table.addend(rank));
        if (target.kind === 'chunk') found.push({ from: referrer, to: target.chunk });
      }
    }
    return found;
  }

  private target(range: Range, offset: number, type: number, symbol: number, addend: number): Target {
    const { elf } = this.model;
    const { symbols } = elf;
    if (relocationWidthBytes(type) === undefined) {
      return { kind: 'unclear', what: `${this.nameOf(symbol)} by relocation type ${type}`, place: addend };
    }
    if (!symbols.isDefined(symbol)) {
      const name = symbols.name(symbol);
      if (symbols.section(symbol) !== 0)
        return { kind: 'unclear', what: `symbol ${name} outside sections`, place: symbols.value(symbol) + addend };
      return { kind: 'undefined', name, weak: symbols.binding(symbol) === symbolBinding.weak, place: addend };
    }
    const index = symbols.section(symbol);
    const section = elf.sectionTable.section(index) as ElfSection;
    const value = symbols.value(symbol);
    const place = value + addend;
    const isLabel = symbols.type(symbol) === symbolType.section || symbols.name(symbol).startsWith('.L');
    // What a lone function is behind its padding (-fpatchable-function-entry=N,N), all labels mean.
    const whole = isLabel ? this.model.chunksIn(index)[0] : this.model.chunkAt(index, value);
    if (whole === undefined || whole === null) return { kind: 'section', section, place };
    const exactNeeded = whole.kind === 'constants' || (isLabel && whole.shared);
    if (!exactNeeded) return { kind: 'chunk', chunk: whole, place: place - whole.start, bias: 0, base: 0 };
    const bias = this.pcBias(range, offset, type);
    if (bias === null) return { kind: 'unclear', what: `${section.name} from unreadable code`, place };
    const meant = place - bias;
    if (whole.kind === 'constants') {
      // A label of the compiler's is kept where the place is not its own: one past a string's end, say.
      const base = symbols.type(symbol) === symbolType.section ? meant : value;
      return { kind: 'chunk', chunk: whole, place, bias, base };
    }
    const chunk = this.model.chunkAt(index, meant);
    if (chunk === null) return { kind: 'unclear', what: `${section.name}+${meant}`, place };
    const neighbours = this.neighboursAt(chunk, meant, this.useOf(range, offset, type));
    if (neighbours !== null) return { kind: 'unclear', what: neighbours, place: place - chunk.start, near: chunk };
    return { kind: 'chunk', chunk, place: place - chunk.start, bias, base: 0 };
  }

  /** For what is only told apart: its name, or where it lies. */
  private nameOf(symbol: number): string {
    const { symbols, sectionTable } = this.model.elf;
    const section = symbols.section(symbol);
    if (symbols.type(symbol) !== symbolType.section && symbols.nameOffset(symbol) !== 0) return symbols.name(symbol);
    return section < sectionTable.count ? sectionTable.name(section) : '';
  }

  /**
   * What a place in variables that share a section may be, where that cannot be told: the end of one or the start of the
   * next, or, with a register added to it, any of them. null: it is in `chunk`.
   */
  private neighboursAt(chunk: Chunk, meant: number, use: Use): string | null {
    if (chunk.role !== 'data' || use === 'access') return null;
    if (use === 'indexed') return `a place around ${chunk.name} (${chunk.section.name}), plus a register`;
    const before = this.model.chunksIn(chunk.section.index)[chunk.rank - 1];
    // Of what macros make for a function nobody takes the end.
    if (meant !== chunk.start || before?.end !== meant) return null;
    if (isPerFunctionStatic(before.name, before.section.name)) return null;
    return `the end of ${before.name} or the start of ${chunk.name} (${chunk.section.name})`;
  }

  /** What a reference does with its place. Nobody accesses what lies behind the end of a variable. */
  private useOf(range: Range, offset: number, type: number): Use {
    if ((range.section.flags & sectionFlag.exec) === 0) return 'address';
    const bytes = this.model.elf.bytesOf(range.section);
    const ends = this.instructionEndsIn(range);
    const start = ends === null ? undefined : lastUpTo(ends, offset, range.start);
    const instruction = start === undefined ? null : decodeInstruction(bytes, start, range.end);
    if (instruction === null) return 'indexed';
    if (instruction.immediateOffset === offset) return 'address';
    const isPlain =
      isPcRelative(type) || (((bytes[offset - 2] ?? 0) & 0xc7) === 0x04 && bytes[offset - 1] === absoluteSib);
    return !isPlain ? 'indexed' : instruction.opcode === leaOpcode ? 'address' : 'access';
  }

  /**
   * How far behind the byte meant a PC-relative operand's S + A lies: in code, minus the bytes from it to the
   * instruction's end.
   */
  private pcBias(range: Range, offset: number, type: number): number | null {
    if (!isPcRelative(type)) return 0;
    if (range.section.name === '__bug_table') return this.layouts.bugFileBias;
    if ((range.section.flags & sectionFlag.exec) === 0) return 0;
    const before = this.model.elf.bytesOf(range.section)[offset - 1] ?? 0;
    // call, jmp and jcc end with their operand; a RIP-relative ModRM byte (xx000101) never looks like their opcodes.
    if (before === 0xe8 || before === 0xe9 || (before & 0xf0) === 0x80) return -4;
    const ends = this.instructionEndsIn(range);
    const end = ends === null ? undefined : firstAbove(ends, offset);
    return end === undefined ? null : offset - end;
  }

  /** The end of each instruction of a code range, ascending; null if it cannot be decoded to its end. */
  private instructionEndsIn(range: Range): Uint32Array | null {
    const key = range.section.index * 0x8000_0000 + range.start;
    const known = this.instructionEnds.get(key);
    if (known !== undefined) return known;
    const bytes = this.model.elf.bytesOf(range.section);
    const ends: number[] = [];
    let at = range.start;
    while (at < range.end) {
      const instruction = decodeInstruction(bytes, at, range.end);
      if (instruction === null) break;
      at = instruction.end;
      ends.push(at);
    }
    const result = at === range.end ? Uint32Array.from(ends) : null;
    this.instructionEnds.set(key, result);
    return result;
  }

  private directBranchesOut(chunk: Chunk): Reference[] {
    const bytes = this.model.elf.bytesOf(chunk.section);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const branches: Reference[] = [];
    for (let at = chunk.start; at < chunk.end;) {
      const instruction = decodeInstruction(bytes, at, chunk.end);
      if (instruction === null) break;
      at = instruction.end;
      const { relativeOffset, relativeBytes, end } = instruction;
      if (relativeBytes === 0) continue;
      const to = end + (relativeBytes === 1 ? view.getInt8(relativeOffset) : view.getInt32(relativeOffset, true));
      if (to >= chunk.start && to < chunk.end) continue;
      branches.push({
        offset: relativeOffset - chunk.start,
        type: relocationType.pc32,
        widthBytes: relativeBytes,
        target: this.branchTarget(chunk, to, relativeBytes),
      });
    }
    return branches;
  }

  private branchTarget(chunk: Chunk, to: number, relativeBytes: number): Target {
    const found = this.model.chunkAt(chunk.section.index, to);
    if (relativeBytes === 1 || found === null) {
      return { kind: 'unclear', what: `a short jump from ${chunk.name} into its neighbour`, place: to - chunk.start };
    }
    return { kind: 'chunk', chunk: found, place: to - found.start - 4, bias: -4, base: 0 };
  }
}

const leaOpcode = 0x8d;

/** Neither base nor index: with ModRM mod 0, rm 4, the displacement is the address. */
const absoluteSib = 0x25;

/** The greatest of `ascending` that is at most `value`; `least` if all are above. */
function lastUpTo(ascending: Uint32Array, value: number, least: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return ascending[low - 1] ?? least;
}

function firstAbove(ascending: Uint32Array, value: number): number | undefined {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return ascending[low];
}
