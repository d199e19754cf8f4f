// SPDX-License-Identifier: GPL-2.0-only
import { ElfBytes, parseElf, symbolBinding, symbolType, type ElfFile, type SymbolTable } from '@lockstep/domain/elf';
import type { KernelSymbolTable } from './kernel-facts';

/** Names that scripts/kallsyms leaves out on x86 (and local labels, which the linker drops anyway). */
const notInKallsyms = /^(\$|\.L|__crc_|__efistub_|__kstrtab_|__kstrtabns_|__kcfi_typeid_)/;

interface Row {
  readonly symbol: number;
  /** Index of the STT_FILE symbol, -1 for global symbols. */
  readonly file: number;
}

/** Symbols in the order of kallsyms: by address, which is what sympos counts. */
export function readKernelSymbols(vmlinux: ElfFile): KernelSymbolTable {
  const { symbols } = vmlinux;
  const { rows, files } = readRows(symbols);
  rows.sort(
    (a, b) =>
      symbols.addressHigh(a.symbol) - symbols.addressHigh(b.symbol) ||
      symbols.addressLow(a.symbol) - symbols.addressLow(b.symbol) ||
      a.symbol - b.symbol,
  );
  const sealed = sealedAddresses(vmlinux);
  const goes = goingSections(vmlinux);
  return toTable(symbols, rows, files, {
    isSealed: (symbol) => sealed.has(symbols.addressLow(symbol)),
    isGone: (symbol) => goes.has(symbols.section(symbol)),
  });
}

/** What kallsyms names still when its memory is another's: `__init`, `__exit`, and data so marked. */
function goingSections({ sections }: ElfFile): Set<number> {
  return new Set(sections.filter(({ name }) => /^\.(?:init|exit)\./.test(name)).map(({ index }) => index));
}

const sealTable = '.ibt_endbr_seal';

/** Of a linked kernel: where the ENDBRs are that it overwrites at boot, as lower halves (all lie in the top 2 GB). */
function sealedAddresses(vmlinux: ElfFile): Set<number> {
  const section = vmlinux.sections.find(({ name }) => name === sealTable);
  if (section === undefined) return new Set();
  const entries = new ElfBytes(vmlinux.bytesOf(section), vmlinux.name);
  const start = vmlinux.sectionTable.addressLow(section.index);
  // Each entry counts from itself.
  return new Set(
    Array.from(
      { length: Math.floor(section.sizeBytes / 4) },
      (_, index) => (start + index * 4 + entries.u32(index * 4)) >>> 0,
    ),
  );
}

/** The same of a module, as `section:offset`. */
function sealedPlaces(module: ElfFile): Set<string> {
  const section = module.sections.find(({ name }) => name === sealTable);
  const relocations = section === undefined ? null : module.relocationsOf(section);
  const places = new Set<string>();
  for (let rank = 0; relocations !== null && rank < relocations.count; rank++) {
    const symbol = relocations.symbol(rank);
    places.add(`${module.symbols.section(symbol)}:${module.symbols.value(symbol) + relocations.addend(rank)}`);
  }
  return places;
}

/**
 * A module's symbols as kernel/livepatch counts them: in the order of its symbol table. Those of its init sections are
 * gone once it runs.
 * @param bytes the .ko
 * @param named the same module with the names of its source files, where the .ko was stripped of them
 */
export function readModuleSymbols(bytes: Uint8Array, moduleName: string, named?: Uint8Array): KernelSymbolTable {
  const module = parseElf(bytes, `${moduleName}.ko`);
  const { symbols, sections } = module;
  const read = readRows(symbols);
  const { rows, files } =
    named === undefined ? read : withFilesOf(parseElf(named, `${moduleName}.ko.debug`), module, read.rows);
  const stays = ({ symbol }: Row) => !/^\.init/.test(sections[symbols.section(symbol)]?.name ?? '');
  const sealed = sealedPlaces(module);
  const isSealed = (symbol: number) => sealed.has(`${symbols.section(symbol)}:${symbols.value(symbol)}`);
  return toTable(symbols, rows.filter(stays), files, { isSealed, isGone: () => false });
}

/** The rows with the files that another copy of the module has for the same symbols. */
function withFilesOf(named: ElfFile, module: ElfFile, rows: readonly Row[]): { rows: Row[]; files: string[] } {
  const { rows: others, files } = readRows(named.symbols);
  const place = ({ symbols, sections }: ElfFile, symbol: number): string =>
    `${sections[symbols.section(symbol)]?.name ?? ''}\0${symbols.value(symbol)}\0${symbols.name(symbol)}`;
  const fileOf = new Map(others.map(({ symbol, file }) => [place(named, symbol), file]));
  return { rows: rows.map(({ symbol }) => ({ symbol, file: fileOf.get(place(module, symbol)) ?? -1 })), files };
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

interface ToldOfSymbols {
  readonly isSealed: (symbol: number) => boolean;
  readonly isGone: (symbol: number) => boolean;
}

function toTable(
  symbols: SymbolTable,
  rows: readonly Row[],
  files: readonly string[],
  told: ToldOfSymbols,
): KernelSymbolTable {
  return {
    names: rows.map(({ symbol }) => symbols.name(symbol)),
    fileOf: Int32Array.from(rows, ({ file }) => file),
    files,
    kinds: Uint8Array.from(rows, ({ symbol }) => kindOf(symbols, symbol, told)),
  };
}

function kindOf(symbols: SymbolTable, symbol: number, { isSealed, isGone }: ToldOfSymbols): number {
  const type = symbols.type(symbol);
  const kind = type === symbolType.function ? 1 : type === symbolType.object ? 2 : 0;
  const weak = symbols.binding(symbol) === symbolBinding.weak ? 4 : 0;
  // Marks of the linker's in between are only compared with.
  const gone = kind !== 0 && isGone(symbol) ? 16 : 0;
  return kind + weak + gone + (type === symbolType.function && isSealed(symbol) ? 8 : 0);
}
