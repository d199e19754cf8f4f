// SPDX-License-Identifier: GPL-2.0-only
import { type ElfFile, type ElfSection } from '@lockstep/domain/elf';
import { comparedTables, entryBytesOf, type TableLayouts } from '@lockstep/domain/object-diff';

/** A table whose entries say of a place in code what the code does not: which key a branch asks, where an exception goes on. */
export interface SiteTableShape {
  readonly name: string;
  readonly entryBytes: number;
  /** Whether the site is told relative to the entry. */
  readonly isRelative: boolean;
  /** What of an entry counts, from its start (bytes): not in which line of which file a BUG() is, which moves with every edit. */
  readonly parts: readonly { readonly from: number; readonly to: number }[];
}

export interface Site {
  /** Of an image the address, of an object the place in the section (bytes). */
  readonly site: number;
  /** Where its entry begins: the same, of the table. */
  readonly entry: number;
}

/** The tables that a kernel has. */
export function siteTableShapes(layouts: TableLayouts): SiteTableShape[] {
  return comparedTables.flatMap((name) => {
    const entryBytes = entryBytesOf(name, layouts);
    if (entryBytes === 0) return [];
    const behindLine = name === '__bug_table' && layouts.bugLineOffset >= 0 ? layouts.bugLineOffset + 2 : 0;
    const parts = behindLine === 0 ? [{ from: 0, to: entryBytes }] : [{ from: behindLine, to: entryBytes }];
    return [{ name, entryBytes, isRelative: name !== '.parainstructions', parts }];
  });
}

/** Sites in order; those of one place in the order of their entries. */
export class SiteIndex {
  private readonly sorted: readonly Site[];

  constructor(sites: readonly Site[]) {
    this.sorted = [...sites].sort((a, b) => a.site - b.site || a.entry - b.entry);
  }

  sitesIn(start: number, end: number): Site[] {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.sorted[middle]?.site ?? 0) < start) low = middle + 1;
      else high = middle;
    }
    const found: Site[] = [];
    for (let one = this.sorted[low]; one !== undefined && one.site < end; one = this.sorted[++low]) found.push(one);
    return found;
  }
}

/** One table of an object, whether it has any entries or not. */
export interface ObjectTable {
  readonly shape: SiteTableShape;
  readonly section: ElfSection | undefined;
  /** By the section of the code. */
  readonly sites: ReadonlyMap<number, SiteIndex>;
}

/** An object's tables; an entry that does not begin with a place in the object's code is about none of its functions. */
export function objectTables(object: ElfFile, shapes: readonly SiteTableShape[]): ObjectTable[] {
  return shapes.map((shape) => {
    const section = object.sections.find(({ name }) => name === shape.name);
    const sites = section === undefined ? new Map<number, SiteIndex>() : sitesByCode(object, section, shape);
    return { shape, section, sites };
  });
}

function sitesByCode(object: ElfFile, table: ElfSection, { entryBytes }: SiteTableShape): Map<number, SiteIndex> {
  const { symbols } = object;
  const relocations = object.relocationsOf(table);
  const bySection = new Map<number, Site[]>();
  for (let entry = 0; relocations !== null && entry < table.sizeBytes; entry += entryBytes) {
    const rank = relocations.firstFrom(entry);
    if (rank >= relocations.count || relocations.offset(rank) !== entry) continue;
    const symbol = relocations.symbol(rank);
    const site = { site: symbols.value(symbol) + relocations.addend(rank), entry };
    const list = bySection.get(symbols.section(symbol));
    if (list === undefined) bySection.set(symbols.section(symbol), [site]);
    else list.push(site);
  }
  return new Map([...bySection].map(([index, list]) => [index, new SiteIndex(list)]));
}
