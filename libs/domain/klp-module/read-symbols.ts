// SPDX-License-Identifier: GPL-2.0-only
import { parseElf, symbolBinding, symbolType, type ElfFile, type SymbolTable } from '@lockstep/domain/elf';
import type { KernelSymbolTable } from './kernel-facts';

/** Names that scripts/kallsyms leaves out on x86 (and local labels, which the linker drops anyway). */
const notInKallsyms = /^(\$|\.L|__crc_|__efistub_|__kstrtab_|__kstrtabns_|__kcfi_typeid_)/;

interface Row {
  readonly symbol: number;
  /** Index of the STT_FILE symbol, -1 for global symbols. */
  readonly file: number;
}

/** Symbols in the order of kallsyms: by address, which is what sympos counts. */
export function readKernelSymbols({ symbols }: ElfFile): KernelSymbolTable {
  const { rows, files } = readRows(symbols);
  rows.sort(
    (a, b) =>
      symbols.addressHigh(a.symbol) - symbols.addressHigh(b.symbol) ||
      symbols.addressLow(a.symbol) - symbols.addressLow(b.symbol) ||
      a.symbol - b.symbol,
  );
  return toTable(symbols, rows, files);
}

/**
 * A module's symbols as kernel/livepatch counts them: in the order of its symbol table. Those of its init sections are
 * gone once it runs.
 * @param bytes the .ko
 */
export function readModuleSymbols(bytes: Uint8Array, moduleName: string): KernelSymbolTable {
  const { symbols, sections } = parseElf(bytes, `${moduleName}.ko`);
  const { rows, files } = readRows(symbols);
  const stays = ({ symbol }: Row) => !/^\.init/.test(sections[symbols.section(symbol)]?.name ?? '');
  return toTable(symbols, rows.filter(stays), files);
}

function readRows(symbols: SymbolTable): { rows: Row[]; files: string[] } {
  const files: string[] = [];
  const rows: Row[] = [];
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    const type = symbols.type(symbol);
    if (type === symbolType.file) files.push(symbols.name(symbol));
    if (type === symbolType.file || type === symbolType.section || !symbols.isDefined(symbol)) continue;
    const name = symbols.name(symbol);
    if (name === '' || notInKallsyms.test(name)) continue;
    rows.push({ symbol, file: symbols.binding(symbol) === symbolBinding.local ? files.length - 1 : -1 });
  }
  return { rows, files };
}

function toTable(symbols: SymbolTable, rows: readonly Row[], files: readonly string[]): KernelSymbolTable {
  return {
    names: rows.map(({ symbol }) => symbols.name(symbol)),
    fileOf: Int32Array.from(rows, ({ file }) => file),
    files,
    kinds: Uint8Array.from(rows, ({ symbol }) => kindOf(symbols, symbol)),
  };
}

function kindOf(symbols: SymbolTable, symbol: number): number {
  const type = symbols.type(symbol);
  const kind = type === symbolType.function ? 1 : type === symbolType.object ? 2 : 0;
  return symbols.binding(symbol) === symbolBinding.weak ? kind + 4 : kind;
}
