// SPDX-License-Identifier: GPL-2.0-only
import { isPcRelative, relocationType, sectionFlag, sectionType } from '@lockstep/domain/elf';
import type { SiteEntry } from './code-tables';
import { constantRange } from './constants';
import type { Correlation } from './correlate';
import type { KernelSymbol, NewGlobal, Piece, PieceRelocation, RelocationTarget } from './object-diff';
import type { Chunk } from './object-model';
import { dataPlace, replacementPlace, tablePlace, textPlace, type OutputPlace } from './output-places';
import type { Range, Reference, Target } from './references';
import { differRefusal } from './refusal';
import { holdsPlacesIn } from './label-tables';
import { isInitSection, memoryOf, type Memory } from './section-roles';
import type { Below } from './below';
import type { Side } from './side';
import { coldParent, isPerFunctionStatic } from './symbol-names';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Draft = Mutable<Piece>;

/**
 * Collects from the patched object what a livepatch module must bring along: changed and new functions, and all that
 * they refer to and the running kernel does not have.
 */
export class Carrier {
  readonly pieces: Piece[] = [];
  readonly kernelSymbols: KernelSymbol[] = [];
  readonly newFunctions: string[] = [];
  readonly newGlobals: NewGlobal[] = [];
  private readonly pieceOfChunk = new Map<number, number>();
  private readonly pieceOfConstant = new Map<string, number>();
  private readonly indexOfSymbol = new Map<string, number>();

  constructor(
    private readonly objectPath: string,
    private readonly patched: Side,
    private readonly correlation: Correlation,
    private readonly below?: Below,
  ) {}

  /** Carries a function with its cold part, tables and everything new that it needs; returns its piece. */
  carryCode(chunk: Chunk): number {
    const known = this.pieceOfChunk.get(chunk.id);
    if (known !== undefined) return known;
    const isNew = chunk.kind === 'function' && !this.hasOriginal(chunk);
    const index = this.add(textPlace(chunk), this.bytesOf(chunk), chunk);
    if (isNew && coldParent(chunk.name) === null) this.newFunctions.push(chunk.name);
    if (isNew && chunk.scope === 'global') this.newGlobals.push({ name: chunk.name, piece: index });
    // The piece is known by now, so cycles of references end.
    this.relocate(index, this.patched.reader.referencesOf(chunk), chunk, 'code');
    this.carryTables(chunk, index);
    return index;
  }

  /** Carries a new variable, or a copy of one that each function has for itself. */
  carryData(chunk: Chunk): number {
    const known = this.pieceOfChunk.get(chunk.id);
    if (known !== undefined) return known;
    if (isInitSection(chunk.section.name) || chunk.role === 'registration' || chunk.section.name === '.BTF_ids') {
      throw this.refusal('registered-data', `${chunk.name} is new in ${chunk.section.name}.`, chunk, {
        section: chunk.section.name,
        action:
          'leave out what is only read at boot or at module load (parameters, exports, tracepoints, initcalls, type ids)',
      });
    }
    if (memoryOf(chunk.section) === 'apart') {
      throw this.refusal('special-memory', `${chunk.name} is new in ${chunk.section.name}.`, chunk, {
        section: chunk.section.name,
        action: 'leave it out, or put it into ordinary memory: a module has no pages of that kind',
      });
    }
    const index = this.add(dataPlace(chunk), this.bytesOf(chunk), chunk);
    if (chunk.kind === 'data' && chunk.scope === 'global' && !this.hasOriginal(chunk)) {
      this.newGlobals.push({ name: chunk.name, piece: index });
    }
    this.relocate(index, this.patched.reader.referencesOf(chunk), chunk, 'data');
    return index;
  }

  /** The symbol of the running kernel that `chunk` of the original object is. */
  kernelSymbolOf(chunk: Chunk): KernelSymbol {
    const { name, scope, weak } = this.below?.inKernel(chunk) ?? chunk;
    return { name, scope, weak, optional: false };
  }

  /** Whether a variable has the neighbours that it has in the kernel, in its section from end to end. */
  private liesAsBefore(variable: Chunk): boolean {
    const original = this.correlation.toOriginal(variable);
    if (original === undefined) return false;
    const before = this.correlation.chunksBeside(original);
    const after = this.patched.reader.model.chunksIn(variable.section.index);
    return (
      before.length === after.length &&
      after.every((chunk, rank) => {
        const old = before[rank];
        if (old === undefined || old.start !== chunk.start || old.end !== chunk.end) return false;
        return old === this.correlation.toOriginal(chunk) || (isOfAMacro(old) && isOfAMacro(chunk));
      })
    );
  }

  private hasOriginal(chunk: Chunk): boolean {
    return this.correlation.toOriginal(chunk) !== undefined;
  }

  private add(place: OutputPlace, bytes: Uint8Array, chunk: Chunk | null): number {
    const isEmpty = place.sectionType === sectionType.nobits;
    const piece: Piece = {
      ...place,
      sizeBytes: chunk === null ? bytes.length : chunk.end - chunk.start,
      bytes: isEmpty ? new Uint8Array(0) : bytes,
      relocations: [],
      ...(chunk?.section.name.startsWith('.ref.') === true ? { mayUseStart: true } : {}),
      symbol:
        chunk === null || chunk.names.length === 0
          ? null
          : { name: chunk.name, type: chunk.kind === 'function' ? 'function' : 'object' },
    };
    this.pieces.push(piece);
    if (chunk !== null) this.pieceOfChunk.set(chunk.id, this.pieces.length - 1);
    return this.pieces.length - 1;
  }

  /** A copy of the range's bytes. */
  private bytesOf({ section, start, end }: Range): Uint8Array {
    return this.patched.reader.model.elf.bytesOf(section).slice(start, end);
  }

  /** Gives a piece its relocations; the module loader wants zeros where it writes. */
  private relocate(
    index: number,
    references: readonly Reference[],
    home: Chunk,
    from: 'code' | 'data' | 'table',
  ): void {
    const piece = this.pieces[index] as Draft;
    piece.relocations = references.map((reference) => {
      piece.bytes.fill(0, reference.offset, reference.offset + reference.widthBytes);
      return this.relocation(reference, home, from);
    });
  }

  private relocation(reference: Reference, home: Chunk, from: 'code' | 'data' | 'table'): PieceRelocation {
    const { offset, type, target } = reference;
    const resolved = this.resolve(reference, home, from);
    return { offset, type, target: resolved.to, addend: resolved.addend ?? target.place };
  }

  private resolve(
    { type, target }: Reference,
    home: Chunk,
    from: 'code' | 'data' | 'table',
  ): { to: RelocationTarget; addend?: number } {
    switch (target.kind) {
      case 'undefined':
        return {
          to: this.kernel({ name: target.name, scope: 'global', weak: false, optional: target.weak }),
        };
      case 'chunk': {
        if (target.chunk.kind === 'constants') return this.constant(target);
        const entered = target.place === 0 || (isPcRelative(type) && target.place <= -4);
        return { to: this.chunkTarget(target.chunk, home, from === 'table' ? 'site' : entered ? 'entry' : 'inside') };
      }
      case 'section':
      case 'unclear':
        if (target.kind === 'unclear' && target.near !== undefined && this.liesAsBefore(target.near))
          return { to: this.chunkTarget(target.near, home, 'inside') };
        throw this.refusal('unclear-reference', `${home.name} refers to ${showUnclear(target)}.`, home, {
          action: 'change the code so that it does not, or patch a function that calls it instead',
        });
    }
  }

  /**
   * What exists already is meant as it runs: a call of a changed function goes to its old address, where the topmost
   * livepatch answers. Places inside code, and sites that tables name, are those of the carried copy.
   */
  private chunkTarget(chunk: Chunk, home: Chunk, how: 'entry' | 'inside' | 'site'): RelocationTarget {
    const original = this.correlation.toOriginal(chunk);
    if (chunk.kind === 'function' || chunk.role === 'code') {
      const isPart = chunk.kind === 'anonymous' || coldParent(chunk.name) !== null;
      if (isPart || original === undefined) return { kind: 'piece', piece: this.carryCode(chunk) };
      const piece = this.pieceOfChunk.get(chunk.id);
      const isOwn =
        chunk === home ||
        home.kind === 'anonymous' ||
        home.kind === 'data' ||
        chunk.names.includes(coldParent(home.name) ?? '');
      if (piece !== undefined && isOwn && how !== 'entry') return { kind: 'piece', piece };
      if (how === 'inside') {
        throw this.refusal('jump-into-function', `${home.name} jumps into the middle of ${chunk.name}.`, home, {
          action: `change ${chunk.name} too, or patch a function that calls ${home.name} instead`,
        });
      }
      return this.kernel(this.kernelSymbolOf(original));
    }
    if (original !== undefined) {
      // The kernel's copy has the places of the kernel's code.
      if (holdsPlacesIn(this.patched, chunk, (code) => this.pieceOfChunk.has(code.id)))
        return { kind: 'piece', piece: this.carryData(chunk) };
      this.checkMemory(original, chunk, home);
      return this.kernel(this.kernelSymbolOf(original));
    }
    if (this.correlation.ambiguous.has(chunk)) {
      throw this.refusal('ambiguous-static', `${chunk.name} may be one of several static variables.`, home, {
        variable: chunk.name,
        action: 'give the static variable a name of its own, or leave it in the function that had it',
      });
    }
    return { kind: 'piece', piece: this.carryData(chunk) };
  }

  /** The kernel's variable lies where it was put, whatever the patch says of it. */
  private checkMemory(original: Chunk, patched: Chunk, home: Chunk): void {
    const [was, is] = [memoryOf(original.section), memoryOf(patched.section)];
    const isTighter = !original.shared && !patched.shared && patched.section.alignment > original.section.alignment;
    if (isTighter) {
      const bytes = `${original.section.alignment} bytes, and to ${patched.section.alignment} with the diff.`;
      throw this.refusal('variable-aligned', `${patched.name} is aligned to ${bytes}`, home, {
        variable: patched.name,
        section: original.section.name,
        action: 'leave its alignment as it is, and use a new variable for what the new code needs',
      });
    }
    const isRefused =
      was !== is &&
      ([was, is].some((memory) => memory === 'percpu' || memory === 'apart') ||
        was === 'gone' ||
        (isUnwritten(was) && is === 'writable'));
    if (!isRefused) return;
    throw this.refusal('variable-moved', `${patched.name} ${whereItLies[was]}, and is otherwise with the diff.`, home, {
      variable: patched.name,
      section: original.section.name,
      action: 'leave the variable as it is, and use a new one for what the new code needs',
    });
  }

  private kernel(symbol: KernelSymbol): RelocationTarget {
    const key = `${symbol.scope} ${symbol.name}`;
    let index = this.indexOfSymbol.get(key);
    if (index === undefined) {
      index = this.kernelSymbols.push(symbol) - 1;
      this.indexOfSymbol.set(key, index);
    }
    return { kind: 'kernel', symbol: index };
  }

  /** A string or constant goes along as one copy; references keep their distance to its first byte. */
  private constant(target: Target & { kind: 'chunk' }): { to: RelocationTarget; addend: number } {
    const range = constantRange(this.patched.reader, target);
    const bytes = this.bytesOf(range);
    const { alignment } = target.chunk.section;
    const key = `${alignment} ${bytes.join()}`;
    let piece = this.pieceOfConstant.get(key);
    if (piece === undefined) {
      const place: OutputPlace = {
        section: '.rodata',
        sectionType: sectionType.progbits,
        sectionFlags: sectionFlag.alloc,
        alignment,
      };
      piece = this.add(place, bytes, null);
      this.pieceOfConstant.set(key, piece);
    }
    return { to: { kind: 'piece', piece }, addend: target.place - target.base };
  }

  private carryTables(chunk: Chunk, code: number): void {
    for (const entry of this.patched.tables.entriesOf(chunk)) this.carryEntry(entry, chunk);
    const orc = this.patched.tables.orcOf(chunk);
    if (orc.length === 0) return;
    const places = this.add(tablePlace('.orc_unwind_ip'), new Uint8Array(orc.length * 4), null);
    (this.pieces[places] as Draft).relocations = orc.map(({ place }, index) => ({
      offset: index * 4,
      type: relocationType.pc32,
      target: { kind: 'piece', piece: code },
      addend: place,
    }));
    const size = orc[0]?.bytes.length ?? 0;
    const states = new Uint8Array(orc.length * size);
    orc.forEach(({ bytes }, index) => {
      states.set(bytes, index * size);
    });
    this.add(tablePlace('.orc_unwind'), states, null);
  }

  private carryEntry({ table, range, entryBytes, references, replacement }: SiteEntry, home: Chunk): void {
    const bytes = new Uint8Array(entryBytes);
    bytes.set(this.bytesOf(range));
    const index = this.add(tablePlace(table), bytes, null);
    if (replacement === null) {
      this.relocate(index, references, home, 'table');
      return;
    }
    const code = this.add(replacementPlace, this.bytesOf(replacement), null);
    this.relocate(code, this.patched.reader.referencesIn(replacement), home, 'code');
    const others = references.filter(({ target }) => target.kind !== 'section');
    this.relocate(index, others, home, 'table');
    const entry = this.pieces[index] as Draft;
    const toReplacement = references
      .filter(({ target }) => target.kind === 'section')
      .map(({ offset, type }): PieceRelocation => {
        entry.bytes.fill(0, offset, offset + 4);
        return { offset, type, target: { kind: 'piece', piece: code }, addend: 0 };
      });
    entry.relocations = [...entry.relocations, ...toReplacement].sort((a, b) => a.offset - b.offset);
  }

  private refusal(
    reason: string,
    problem: string,
    chunk: Chunk,
    fields: { action: string; section?: string; variable?: string },
  ) {
    const owner = chunk.kind === 'function' ? { function: chunk.name } : { variable: chunk.name };
    return differRefusal(reason, problem, { object: this.objectPath, ...owner, ...fields });
  }
}

/** What macros make for a function has no pair, and nobody takes its end or counts from it. */
const isOfAMacro = ({ name, section }: Chunk): boolean => isPerFunctionStatic(name, section.name);

const isUnwritten = (memory: Memory): boolean => memory === 'constant' || memory === 'sealed';

const whereItLies: Readonly<Record<Memory, string>> = {
  gone: 'is gone from the running kernel since it started (__init and its like)',
  percpu: 'exists once for each processor',
  constant: 'lies in memory that cannot be written to (const)',
  sealed: 'cannot be written to since the kernel started (__ro_after_init)',
  apart: 'lies in pages of its own kind (shared with the hypervisor, or left out of a hibernation)',
  writable: 'exists once for all processors, in ordinary memory',
};

function showUnclear(target: Target & { kind: 'section' | 'unclear' }): string {
  return target.kind === 'unclear' ? target.what : `the middle of ${target.section.name}`;
}
