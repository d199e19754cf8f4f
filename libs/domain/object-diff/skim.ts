// SPDX-License-Identifier: GPL-2.0-only
import { sectionType, symbolBinding, symbolType } from '@lockstep/domain/elf';
import { CodeTables, type TableSection } from './code-tables';
import { comparedTables } from './compared-tables';
import { groupByKey, type RowGroups } from './group-by-key';
import type { ObjectModel } from './object-model';
import { RangeEquality, type PairedBuilds } from './range-equality';
import type { Side } from './side';
import { pairSections } from './section-pairs';
import { isInitSection } from './section-roles';
import { isPerFunctionStatic, unnumbered } from './symbol-names';
import { twinSymbols } from './symbol-twins';
import type { TableLayouts } from './table-layouts';

/**
 * Finds the sections that are certainly the same in both builds, so that only the rest of a large object is looked at
 * function by function. Linear; nothing is made an object for what is the same.
 */
export class Skim {
  private readonly builds: PairedBuilds;
  private readonly ranges: RangeEquality;
  /** By original section: its pair is the same, symbol by symbol. */
  private readonly aligned: Uint8Array;
  /** As `aligned`, by patched section: the original one. */
  private readonly alignedOriginal: Uint32Array;
  /** By original section: nothing that it refers to has changed either. */
  private readonly settled: Uint8Array;
  private readonly settledPatched: Uint8Array;
  private readonly hasEntries: readonly [Uint8Array, Uint8Array];
  private referrers: RowGroups | undefined;
  /** By relocation, of all sections in order: the section it is in (for tables, the section of its site). */
  private referrerSections = new Uint32Array(0);

  constructor(
    private readonly original: Side,
    private readonly patched: Side,
    private readonly layouts: TableLayouts,
    /** Leaves everything open: for checking this very shortcut. */
    thorough = false,
  ) {
    const [before, after] = [original.reader.model, patched.reader.model];
    this.builds = {
      original: before,
      patched: after,
      sectionPairs: pairSections(before.elf, after.elf),
      symbolTwins: twinSymbols(before.elf, after.elf),
    };
    this.ranges = new RangeEquality(this.builds);
    this.hasEntries = [sectionsWithEntries(original), sectionsWithEntries(patched)];
    const count = before.elf.sectionTable.count;
    this.aligned = new Uint8Array(count);
    this.alignedOriginal = new Uint32Array(after.elf.sectionTable.count);
    this.settled = new Uint8Array(count);
    this.settledPatched = new Uint8Array(after.elf.sectionTable.count);
    if (!thorough) this.settle();
  }

  /** Whether the section and all that it means are the same as its pair. */
  isSettled(section: number): boolean {
    return this.settled[section] === 1;
  }

  /** Original sections to be looked at closely. */
  unsettled(): number[] {
    return openSections(this.original.reader.model, this.settled);
  }

  unsettledPatched(): number[] {
    return openSections(this.patched.reader.model, this.settledPatched);
  }

  /** The patched section whose chunks are those of the original one, rank by rank; 0 for none. */
  alignedWith(section: number): number {
    return this.aligned[section] === 1 ? (this.builds.sectionPairs[section] as number) : 0;
  }

  /** As alignedWith, the other way round. */
  originalAlignedWith(patched: number): number {
    return this.alignedOriginal[patched] as number;
  }

  /** Functions and variables that others find by name in the original object, and not in the patched one. */
  goneGlobals(): string[] {
    const { original, patched, symbolTwins } = this.builds;
    return globalsOnlyIn(original, patched, (symbol) => symbolTwins[symbol] as number);
  }

  /** As goneGlobals, the other way round; names beside another are among them. */
  addedGlobals(): string[] {
    const { original, patched, symbolTwins } = this.builds;
    const twins = new Uint32Array(patched.elf.symbols.count);
    symbolTwins.forEach((twin, symbol) => (twins[twin] = symbol));
    return globalsOnlyIn(patched, original, (symbol) => twins[symbol] as number);
  }

  /** What refers to these original sections is to be looked at closely too. */
  reopenReferrersOf(sections: readonly number[]): void {
    const queue = [...sections];
    for (let section = queue.pop(); section !== undefined; section = queue.pop()) {
      for (const row of this.referrersOf(section)) {
        const referrer = this.referrerSections[row] as number;
        if (this.settled[referrer] === 0) continue;
        this.reopen(referrer);
        if (this.standsForContent(referrer)) queue.push(referrer);
      }
    }
  }

  private settle(): void {
    const { sectionPairs, original } = this.builds;
    const changed: number[] = [];
    for (let section = 1; section < sectionPairs.length; section++) {
      const role = original.roles[section];
      if (role === 'ignored' || role === 'table' || role === 'replacement' || role === 'constants') continue;
      const pair = sectionPairs[section] as number;
      if (pair !== 0 && this.sameSection(section, pair)) {
        this.settled[section] = 1;
        this.settledPatched[pair] = 1;
      } else if (this.standsForContent(section)) changed.push(section);
    }
    changed.push(...this.reopenNumberedVariables());
    this.reopenReferrersOf(changed);
    for (let section = 1; section < sectionPairs.length; section++) {
      if (this.settled[section] === 0) continue;
      this.aligned[section] = 1;
      this.alignedOriginal[sectionPairs[section] as number] = section;
    }
  }

  /** Static locals that something changed refers to: the number in the name does not say which is which. */
  private reopenNumberedVariables(): number[] {
    const { original, patched, sectionPairs } = this.builds;
    const used = new Set(numberedVariables(original, this.unsettled()));
    const usedAfter = new Set(numberedVariables(patched, this.unsettledPatched()));
    const found: number[] = [];
    for (let section = 1; section < sectionPairs.length; section++) {
      if (this.settled[section] === 0) continue;
      if (!used.has(section) && !usedAfter.has(sectionPairs[section] as number)) continue;
      this.reopen(section);
      found.push(section);
    }
    return found;
  }

  private reopen(section: number): void {
    this.settled[section] = 0;
    this.settledPatched[this.builds.sectionPairs[section] as number] = 0;
  }

  /** Variables and unnamed code: what refers to them may depend on what is in them. A function is meant by name. */
  private standsForContent(section: number): boolean {
    return this.builds.original.roles[section] !== 'code' || this.builds.original.symbolsIn.count(section) === 0;
  }

  private sameSection(section: number, pair: number): boolean {
    const [a, b] = [this.builds.original.elf.sectionTable, this.builds.patched.elf.sectionTable];
    const sizeBytes = a.sizeBytes(section);
    if (sizeBytes !== b.sizeBytes(pair) || a.type(section) !== b.type(pair) || a.flags(section) !== b.flags(pair)) {
      return false;
    }
    const before = { section, start: 0, end: sizeBytes };
    const after = { section: pair, start: 0, end: sizeBytes };
    if (a.type(section) !== sectionType.nobits && !this.ranges.sameBytes(before, after)) return false;
    if (!this.ranges.sameLayout(section) || !this.ranges.sameRelocations(before, after)) return false;
    const [hasOld, hasNew] = [this.hasEntries[0][section] === 1, this.hasEntries[1][pair] === 1];
    if (!hasOld && !hasNew) return true;
    return (
      hasOld === hasNew &&
      comparedTables.every((table) => {
        return this.sameEntries(
          this.original.tables.sectionsOf(table),
          section,
          this.patched.tables.sectionsOf(table),
          pair,
        );
      })
    );
  }

  private sameEntries(
    oldTables: readonly TableSection[],
    section: number,
    newTables: readonly TableSection[],
    pair: number,
  ): boolean {
    const rowsOf = (tables: readonly TableSection[], of: number) =>
      tables.flatMap((table) => Array.from(table.bySection.rowsOf(of), (row) => ({ table, row })));
    const [before, after] = [rowsOf(oldTables, section), rowsOf(newTables, pair)];
    return (
      before.length === after.length &&
      before.every(({ table, row }, rank) => {
        const other = after[rank];
        return other !== undefined && this.sameEntry(table, row, other.table, other.row);
      })
    );
  }

  private sameEntry(oldTable: TableSection, oldRow: number, newTable: TableSection, newRow: number): boolean {
    const before = { ...CodeTables.rangeOf(oldTable, oldRow), section: oldTable.section.index };
    const after = { ...CodeTables.rangeOf(newTable, newRow), section: newTable.section.index };
    const line = oldTable.table === '__bug_table' ? this.layouts.bugLineOffset : -1;
    if (!this.ranges.sameBytes(before, after, line, line === -1 ? line : line + 2)) return false;
    const bias = oldTable.table === '__bug_table' ? this.layouts.bugFileBias : 0;
    if (oldTable.table !== '.altinstructions') return this.ranges.sameRelocations(before, after, -1, bias);
    if (!this.ranges.sameRelocations(before, after, 1)) return false;
    const lengthAt = before.start + this.layouts.alternativeLengthOffset;
    const sizeBytes = this.builds.original.elf.bytesOf(oldTable.section)[lengthAt] ?? 0;
    const oldCode = replacementOf(this.builds.original, oldTable, oldRow, sizeBytes);
    const newCode = replacementOf(this.builds.patched, newTable, newRow, sizeBytes);
    if (oldCode === null || newCode === null) return false;
    return this.ranges.sameBytes(oldCode, newCode) && this.ranges.sameRelocations(oldCode, newCode);
  }

  private referrersOf(section: number): Uint32Array {
    this.referrers ??= this.indexReferrers();
    return this.referrers.rowsOf(section);
  }

  private indexReferrers(): RowGroups {
    const { elf, roles } = this.builds.original;
    const { sectionTable, symbols } = elf;
    const from: number[] = [];
    const to: number[] = [];
    const add = (referrer: number, symbol: number) => {
      if (!symbols.isDefined(symbol)) return;
      from.push(referrer);
      to.push(symbols.section(symbol));
    };
    for (let section = 1; section < sectionTable.count; section++) {
      const relocations = roles[section] === 'ignored' ? null : elf.relocationsOfIndex(section);
      if (relocations === null || roles[section] === 'table') continue;
      for (let rank = 0; rank < relocations.count; rank++) add(section, relocations.symbol(rank));
    }
    for (const table of comparedTables.flatMap((name) => this.original.tables.sectionsOf(name))) {
      const { relocations, siteRanks } = table;
      siteRanks.forEach((first, entry) => {
        const site = symbols.section(relocations.symbol(first));
        const end = siteRanks[entry + 1] ?? relocations.count;
        for (let rank = first + 1; rank < end; rank++) add(site, relocations.symbol(rank));
      });
    }
    this.referrerSections = Uint32Array.from(from);
    return groupByKey(Uint32Array.from(to), sectionTable.count);
  }
}

/** @param twinOf 0 for none: those whose order changed may have none */
function globalsOnlyIn({ elf, roles }: ObjectModel, other: ObjectModel, twinOf: (symbol: number) => number): string[] {
  const { symbols, sectionTable } = elf;
  const others = other.elf.symbols;
  const isGlobal = (symbol: number) => symbol >= others.firstGlobal && others.isDefined(symbol);
  const found: string[] = [];
  for (let symbol = symbols.firstGlobal; symbol < symbols.count; symbol++) {
    if (!symbols.isDefined(symbol) || symbols.binding(symbol) !== symbolBinding.global) continue;
    if (isGlobal(twinOf(symbol)) || others.named(symbols.name(symbol)).some(isGlobal)) continue;
    const section = symbols.section(symbol);
    const isMeant = roles[section] === 'code' || roles[section] === 'data';
    if (isMeant && !isInitSection(sectionTable.name(section))) found.push(symbols.name(symbol));
  }
  return found;
}

function sectionsWithEntries({ reader, tables }: Side): Uint8Array {
  const { symbols, sectionTable } = reader.model.elf;
  const found = new Uint8Array(sectionTable.count);
  for (const { relocations, siteRanks } of comparedTables.flatMap((table) => tables.sectionsOf(table))) {
    for (const rank of siteRanks) found[symbols.section(relocations.symbol(rank))] = 1;
  }
  return found;
}

/** Sections of variables with numbered names that `sections` refer to. */
function numberedVariables(model: ObjectModel, sections: readonly number[]): number[] {
  const { symbols, sectionTable } = model.elf;
  const isNumbered = (symbol: number) => {
    const name = symbols.name(symbol);
    return unnumbered(name) !== name && !isPerFunctionStatic(name, sectionTable.name(symbols.section(symbol)));
  };
  return sections.flatMap((section) => {
    const relocations = model.elf.relocationsOfIndex(section);
    const targets = new Set<number>();
    for (let rank = 0; relocations !== null && rank < relocations.count; rank++) {
      const symbol = relocations.symbol(rank);
      if (symbols.isDefined(symbol)) targets.add(symbols.section(symbol));
    }
    return [...targets].filter(
      (target) => model.roles[target] === 'data' && model.symbolsIn.rowsOf(target).some(isNumbered),
    );
  });
}

function openSections({ roles }: ObjectModel, settled: Uint8Array): number[] {
  const open: number[] = [];
  roles.forEach((role, section) => {
    const hasChunks = role === 'code' || role === 'data' || role === 'registration';
    if (hasChunks && settled[section] === 0) open.push(section);
  });
  return open;
}

/** The code that an `.altinstructions` entry copies from; null unless its second relocation says so plainly. */
function replacementOf({ elf, roles }: ObjectModel, table: TableSection, row: number, sizeBytes: number) {
  const rank = (table.siteRanks[row] as number) + 1;
  if (rank >= table.relocations.count) return null;
  const symbol = table.relocations.symbol(rank);
  const section = elf.symbols.section(symbol);
  if (elf.symbols.type(symbol) !== symbolType.section || roles[section] !== 'replacement') return null;
  const start = elf.symbols.value(symbol) + table.relocations.addend(rank);
  const isInside = start >= 0 && start + sizeBytes <= elf.sectionTable.sizeBytes(section);
  return isInside ? { section, start, end: start + sizeBytes } : null;
}
