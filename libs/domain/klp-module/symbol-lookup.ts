// SPDX-License-Identifier: GPL-2.0-only
import type { KernelSymbol, ObjectDiff } from '@lockstep/domain/object-diff';
import type { KernelSymbolTable } from './kernel-facts';
import { moduleRefusal } from './module-refusal';

/** A symbol as kernel/livepatch finds it: 0 where the name is unique, else its 1-based place among its namesakes. */
export interface FoundSymbol {
  readonly name: string;
  readonly sympos: number;
  readonly isFunction: boolean;
  readonly isWeak: boolean;
  /** An indirect call of it would trap, since nothing of the kernel calls it so. */
  readonly isSealed: boolean;
  /** Its memory is given back once the kernel has started. */
  readonly isGone: boolean;
}

const kindMask = 3;
const functionKind = 1;
const weakBit = 4;
const sealedBit = 8;
const goneBit = 16;

/** Finds one object file's symbols in the symbol table of the kernel (or module) that it was linked into. */
export class SymbolLookup {
  /** Rows of every name that the diffs mention, in table order. */
  private readonly rowsOf: ReadonlyMap<string, readonly number[]>;

  constructor(
    private readonly table: KernelSymbolTable,
    diffs: readonly ObjectDiff[],
  ) {
    this.rowsOf = rowsByName(table, diffs);
  }

  /** The symbol, or null if the kernel has none such. @throws LockstepError when it cannot be told apart */
  find(symbol: KernelSymbol, diff: ObjectDiff): FoundSymbol | null {
    const namesakes = this.rowsOf.get(symbol.name) ?? [];
    const rows = symbol.scope === 'global' ? this.globalRows(namesakes) : this.localRows(namesakes, diff);
    const [row] = rows;
    if (row === undefined) return null;
    if (rows.length > 1) {
      throw moduleRefusal('ambiguous-symbol', `${symbol.name} of ${diff.fileName} is one of ${rows.length}.`, {
        object: diff.objectPath,
        function: symbol.name,
        action: `the kernel has several files ${diff.fileName} with the same symbols: patch a caller elsewhere`,
      });
    }
    const kind = this.table.kinds[row] ?? 0;
    return {
      name: symbol.name,
      sympos: namesakes.length === 1 ? 0 : namesakes.indexOf(row) + 1,
      isFunction: (kind & kindMask) === functionKind,
      isWeak: (kind & weakBit) !== 0,
      isSealed: (kind & sealedBit) !== 0,
      isGone: (kind & goneBit) !== 0,
    };
  }

  private globalRows(rows: readonly number[]): readonly number[] {
    return rows.filter((row) => this.table.fileOf[row] === -1);
  }

  private localRows(rows: readonly number[], diff: ObjectDiff): readonly number[] {
    const ofFile = rows.filter((row) => this.table.files[this.table.fileOf[row] ?? -1] === diff.fileName);
    if (ofFile.length <= 1) return ofFile;
    const complete = this.filesWith(diff);
    return ofFile.filter((row) => complete.has(this.table.fileOf[row] ?? -1));
  }

  /** The files of the right name that have all of the object's local symbols. */
  private filesWith(diff: ObjectDiff): Set<number> {
    const missing = new Map<number, Set<string>>();
    this.table.files.forEach((name, file) => {
      if (name === diff.fileName) missing.set(file, new Set(diff.localNames));
    });
    for (const name of diff.localNames) {
      for (const row of this.rowsOf.get(name) ?? []) missing.get(this.table.fileOf[row] ?? -1)?.delete(name);
    }
    return new Set([...missing].filter(([, names]) => names.size === 0).map(([file]) => file));
  }
}

function rowsByName(table: KernelSymbolTable, diffs: readonly ObjectDiff[]): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  for (const { kernelSymbols, functions, localNames, newGlobals, addedGlobals, widened } of diffs) {
    for (const { name } of [...kernelSymbols, ...newGlobals, ...widened]) rows.set(name, []);
    for (const name of addedGlobals) rows.set(name, []);
    for (const { symbol } of functions) rows.set(symbol.name, []);
    for (const name of localNames) rows.set(name, []);
  }
  table.names.forEach((name, row) => rows.get(name)?.push(row));
  return rows;
}
