// SPDX-License-Identifier: GPL-2.0-only
import { sectionFlag, sectionIndex, sectionType, symbolBinding, symbolType, type ElfFile } from '@lockstep/domain/elf';
import { writeField } from './relocated-field';
import { SiteIndex, type Site, type SiteTableShape } from './site-tables';

/** Bytes that lie at an address once the image runs. */
interface Piece {
  /** The lower 32 bits: all of a kernel lies in the top 2 GiB, its per-CPU variables near 0. */
  readonly start: number;
  /** Empty where the file holds none (.bss). */
  readonly bytes: Uint8Array;
}

export interface ImageSymbol {
  readonly address: number;
  readonly sizeBytes: number;
  readonly isWeak: boolean;
}

/** The local symbols of one source file: what follows its STT_FILE symbol. */
interface FileSymbols {
  /** The first of them, and the first after them. */
  readonly from: number;
  readonly to: number;
}

/** Where a file's symbols and pieces are. */
export interface ImageLayout {
  readonly pieces: readonly Piece[];
  /** Lower 32 bits of a symbol's address; null for what has none. */
  readonly addressOf: (symbol: number) => number | null;
  /** Where a table of code sites (`__jump_table`) lies; undefined where there is none. */
  readonly tableAt: (name: string) => AddressRange | undefined;
}

/** The end is the first address behind it. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/** A linked kernel, or a module as if it were loaded, in which code is looked up by name and by address. */
export class LinkedImage {
  private readonly globals = new Map<string, number>();
  private readonly files = new Map<string, FileSymbols[]>();
  private readonly sites = new Map<string, SiteIndex>();

  constructor(
    private readonly elf: ElfFile,
    private readonly layout: ImageLayout,
  ) {
    const { symbols } = elf;
    let file: { name: string; from: number } | undefined;
    const endFile = (to: number): void => {
      if (file === undefined) return;
      const list = this.files.get(file.name);
      if (list === undefined) this.files.set(file.name, [{ from: file.from, to }]);
      else list.push({ from: file.from, to });
    };
    for (let symbol = 1; symbol < symbols.count; symbol++) {
      if (symbols.type(symbol) === symbolType.file) {
        endFile(symbol);
        file = { name: symbols.name(symbol), from: symbol + 1 };
      } else if (symbols.binding(symbol) !== symbolBinding.local) {
        endFile(symbol);
        file = undefined;
        if (layout.addressOf(symbol) !== null) this.globals.set(symbols.name(symbol), symbol);
      }
    }
    endFile(symbols.count);
  }

  get name(): string {
    return this.elf.name;
  }

  global(name: string): ImageSymbol | undefined {
    const symbol = this.globals.get(name);
    return symbol === undefined ? undefined : this.describe(symbol);
  }

  /** The local symbols of each source file of that name (`core.c`), by their names. */
  localsOf(fileName: string): ReadonlyMap<string, readonly ImageSymbol[]>[] {
    return (this.files.get(fileName) ?? []).map(({ from, to }) => {
      const found = new Map<string, ImageSymbol[]>();
      for (let symbol = from; symbol < to; symbol++) {
        const described = this.elf.symbols.type(symbol) === symbolType.section ? undefined : this.describe(symbol);
        if (described === undefined) continue;
        const name = this.elf.symbols.name(symbol);
        const list = found.get(name);
        if (list === undefined) found.set(name, [described]);
        else list.push(described);
      }
      return found;
    });
  }

  /** Of a table of code sites, the entries about this stretch of code, by site. */
  sitesIn(table: SiteTableShape, code: AddressRange): Site[] {
    const index = this.sites.get(table.name) ?? this.indexSites(table);
    this.sites.set(table.name, index);
    return index.sitesIn(code.start, code.end);
  }

  private indexSites({ name, entryBytes, isRelative }: SiteTableShape): SiteIndex {
    const place = this.layout.tableAt(name);
    const found: Site[] = [];
    for (let entry = place?.start ?? 0; place !== undefined && entry < place.end; entry += entryBytes) {
      const bytes = this.bytesAt(entry, 4);
      if (bytes === undefined) break;
      const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      found.push({ site: (isRelative ? value + entry : value) >>> 0, entry });
    }
    return new SiteIndex(found);
  }

  /** What the file holds there; undefined where it holds nothing. */
  bytesAt(address: number, sizeBytes: number): Uint8Array | undefined {
    const piece = this.layout.pieces.find(({ start, bytes }) => address >= start && address < start + bytes.length);
    if (piece === undefined || address + sizeBytes > piece.start + piece.bytes.length) return undefined;
    return piece.bytes.subarray(address - piece.start, address - piece.start + sizeBytes);
  }

  /** `vfs_read+0x10` for a person; linear. */
  nameAt(address: number): string {
    let best: { name: string; address: number } | undefined;
    const { symbols } = this.elf;
    for (let symbol = 1; symbol < symbols.count; symbol++) {
      const type = symbols.type(symbol);
      if (type === symbolType.section || type === symbolType.file) continue;
      const at = this.layout.addressOf(symbol);
      if (at === null || at > address || (best !== undefined && best.address >= at)) continue;
      best = { name: symbols.name(symbol), address: at };
    }
    if (best === undefined) return `0x${address.toString(16)}`;
    return best.address === address ? best.name : `${best.name}+0x${(address - best.address).toString(16)}`;
  }

  private describe(symbol: number): ImageSymbol | undefined {
    const { symbols } = this.elf;
    const address = this.layout.addressOf(symbol);
    if (address === null) return undefined;
    return {
      address,
      sizeBytes: symbols.sizeBytes(symbol),
      isWeak: symbols.binding(symbol) === symbolBinding.weak,
    };
  }
}

/** A linked kernel: its symbols hold their addresses. */
export function kernelImage(vmlinux: ElfFile): LinkedImage {
  const { symbols } = vmlinux;
  const pieces = vmlinux.sections
    .filter(({ flags }) => (flags & sectionFlag.alloc) !== 0)
    .map((section) => ({
      start: vmlinux.sectionTable.addressLow(section.index),
      bytes: vmlinux.bytesOf(section),
    }));
  const addressOf = (symbol: number): number | null =>
    symbols.section(symbol) === sectionIndex.undefined ? null : symbols.addressLow(symbol);
  const tableAt = (name: string): AddressRange | undefined => {
    const [start, end] = (kernelTableBounds[name] ?? []).map((bound) => image.global(bound)?.address);
    return start === undefined || end === undefined ? undefined : { start, end };
  };
  const image = new LinkedImage(vmlinux, { pieces, addressOf, tableAt });
  return image;
}

/** The symbols at the ends of a kernel's tables, which share their sections with other things. */
const kernelTableBounds: Readonly<Record<string, readonly [string, string]>> = {
  __bug_table: ['__start___bug_table', '__stop___bug_table'],
  __ex_table: ['__start___ex_table', '__stop___ex_table'],
  __jump_table: ['__start___jump_table', '__stop___jump_table'],
  '.altinstructions': ['__alt_instructions', '__alt_instructions_end'],
  '.parainstructions': ['__parainstructions', '__parainstructions_end'],
  '.static_call_sites': ['__start_static_call_sites', '__stop_static_call_sites'],
};

/** Where modules are laid out here, and the symbols of others that they use: apart, so that no two are taken for one. */
const modulesStart = 0x8100_0000;
const othersStart = 0xc000_0000;
const othersBytes = 0x3fff_0000;

/**
 * A module as the kernel's loader would lay it out and relocate it, at addresses that are only ours.
 * @param named the same module with the names of its source files, where the one that is loaded was stripped of them
 */
export function moduleImage(module: ElfFile, named: ElfFile = module): LinkedImage {
  const starts = new Map<string, number>();
  let next = modulesStart;
  const pieces = module.sections
    .filter(({ flags }) => (flags & sectionFlag.alloc) !== 0)
    .map((section) => {
      const start = Math.ceil(next / section.alignment) * section.alignment;
      starts.set(section.name, start);
      next = start + section.sizeBytes;
      const bytes = section.type === sectionType.nobits ? new Uint8Array(0) : module.bytesOf(section).slice();
      return { start, bytes, section };
    });
  const tableAt = (name: string): AddressRange | undefined => {
    const piece = pieces.find(({ section }) => section.name === name);
    return piece === undefined ? undefined : { start: piece.start, end: piece.start + piece.bytes.length };
  };
  const others = addressesOfOthers(module);
  const addressIn = (elf: ElfFile, symbol: number): number | null => {
    const { symbols } = elf;
    const section = symbols.section(symbol);
    if (section === sectionIndex.undefined) return others.get(symbols.name(symbol)) ?? null;
    if (section === sectionIndex.absolute) return symbols.addressLow(symbol);
    const start = starts.get(elf.sections[section]?.name ?? '');
    return start === undefined ? null : (start + symbols.value(symbol)) >>> 0;
  };
  for (const { start, bytes, section } of pieces) {
    const relocations = bytes.length === 0 ? null : module.relocationsOf(section);
    if (relocations === null) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let rank = 0; rank < relocations.count; rank++) {
      const place = relocations.offset(rank);
      const address = addressIn(module, relocations.symbol(rank)) ?? 0;
      const addend = relocations.addend(rank);
      writeField(view, place, { type: relocations.type(rank), address, addend, place: start + place });
    }
  }
  return new LinkedImage(named, { pieces, addressOf: (symbol) => addressIn(named, symbol), tableAt });
}

/** The symbols that the module takes from others, each at an address of its own. */
function addressesOfOthers({ symbols }: ElfFile): Map<string, number> {
  const names: string[] = [];
  for (let symbol = 1; symbol < symbols.count; symbol++)
    if (symbols.section(symbol) === sectionIndex.undefined) names.push(symbols.name(symbol));
  const spacing = Math.floor(othersBytes / Math.max(1, names.length) / 16) * 16;
  return new Map(names.map((name, rank) => [name, othersStart + rank * spacing]));
}
