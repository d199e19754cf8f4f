// SPDX-License-Identifier: GPL-2.0-only
import { symbolType, type ElfFile, type SymbolTable } from '@lockstep/domain/elf';
import { alignNames, rowsByName, type NamedRows } from './align-names';
import { unnumbered } from './symbol-names';

/**
 * Pairs the symbols of two builds of one object that have one name, in order, file by file (`ld -r` keeps the file
 * symbols of its inputs). Clones and static locals are numbered anew when one comes or goes: those that are not the
 * same in both builds are left alone, for what their users say (correlate.ts).
 * @returns by original symbol: the patched symbol, 0 for none. Section symbols have none.
 */
export function twinSymbols(original: ElfFile, patched: ElfFile): Uint32Array {
  const [a, b] = [original.symbols, patched.symbols];
  const twins = new Uint32Array(a.count);
  const newSegments = new Map<string, FileSegment[]>();
  for (const segment of fileSegments(b)) {
    newSegments.set(segment.file, [...(newSegments.get(segment.file) ?? []), segment]);
  }
  for (const segment of fileSegments(a)) {
    const twin = newSegments.get(segment.file)?.shift();
    if (twin === undefined) continue;
    const [before, after] = [symbolRows(a, segment.start, segment.end), symbolRows(b, twin.start, twin.end)];
    if (!alignNames(twins, before, after)) unpairUnstable(twins, before, after);
  }
  alignNames(twins, symbolRows(a, a.firstGlobal, a.count), symbolRows(b, b.firstGlobal, b.count));
  return twins;
}

interface FileSegment {
  readonly file: string;
  /** `[start, end)` of the symbol table. */
  readonly start: number;
  readonly end: number;
}

/** The local symbols of each source file; those before the first file symbol are a segment without name. */
function fileSegments(symbols: SymbolTable): FileSegment[] {
  const segments: FileSegment[] = [];
  let start = 1;
  let file = '';
  for (let symbol = 1; symbol < symbols.firstGlobal; symbol++) {
    if (symbols.type(symbol) !== symbolType.file) continue;
    if (symbol > start) segments.push({ file, start, end: symbol });
    file = symbols.name(symbol);
    start = symbol + 1;
  }
  segments.push({ file, start, end: symbols.firstGlobal });
  return segments;
}

function symbolRows(symbols: SymbolTable, start: number, end: number): NamedRows {
  return {
    start,
    end,
    strings: symbols.strings,
    nameOffset: (symbol) => symbols.nameOffset(symbol),
    isNamed: (symbol) => {
      const type = symbols.type(symbol);
      return type !== symbolType.section && type !== symbolType.file && symbols.nameOffset(symbol) !== 0;
    },
  };
}

/** Undoes the pairs of numbered names whose group is not the same in both. */
function unpairUnstable(twins: Uint32Array, before: NamedRows, after: NamedRows): void {
  const [oldRows, newRows] = [rowsByName(before), rowsByName(after)];
  const unstable = new Set<string>();
  for (const [one, other] of [
    [oldRows, newRows],
    [newRows, oldRows],
  ] as const) {
    for (const [name, { length }] of one) if (other.get(name)?.length !== length) unstable.add(unnumbered(name));
  }
  for (const [name, rows] of oldRows) {
    if (unnumbered(name) === name || !unstable.has(unnumbered(name))) continue;
    for (const row of rows) twins[row] = 0;
  }
}
