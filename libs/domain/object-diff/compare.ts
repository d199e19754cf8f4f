// SPDX-License-Identifier: GPL-2.0-only
import { sectionFlag, sectionType } from '@lockstep/domain/elf';
import type { Difference } from './change-reason';
import type { SiteEntry } from './code-tables';
import { comparedTables } from './compared-tables';
import { constantAt } from './constants';
import type { Correlation } from './correlate';
import { byteDifference, referenceDifference } from './explain';
import { onlyLineNumberDiffers } from './line-number';
import { isComparedByContent, type Chunk } from './object-model';
import type { Range, Reference, Target } from './references';
import type { SiteTable } from './section-roles';
import type { Side } from './side';
import type { Skim } from './skim';
import type { TableLayouts } from './table-layouts';

/** Keys of pairs stay exact numbers. */
const maxChunks = 2 ** 26;

/** Tells whether chunks of two builds mean the same, and if not, why. */
export class Comparison {
  /** Deep comparisons of anonymous chunks, by both ids; true while under way, so that cycles end. */
  private readonly deepResults = new Map<number, boolean>();

  constructor(
    private readonly original: Side,
    private readonly patched: Side,
    private readonly correlation: Correlation,
    private readonly skim: Skim,
    private readonly layouts: TableLayouts,
  ) {}

  /** Why two versions of a function differ; empty if they do not. */
  functionDifferences(before: Chunk, after: Chunk): Difference[] {
    const code = this.chunkDifference(before, after);
    if (code !== null) {
      const inside = code.kind === 'size' ? this.firstInside(before, after) : null;
      return inside === null ? [code] : [code, inside];
    }
    const oldEntries = this.original.tables.entriesOf(before);
    const newEntries = this.patched.tables.entriesOf(after);
    if (oldEntries.length === 0 && newEntries.length === 0) return [];
    return comparedTables.flatMap((table) => this.tableDifference(table, oldEntries, newEntries) ?? []);
  }

  /** The first difference in bytes or references, or null. */
  chunkDifference(before: Chunk, after: Chunk): Difference | null {
    const oldBytes = before.end - before.start;
    const newBytes = after.end - after.start;
    if (oldBytes !== newBytes) return { kind: 'size', before: oldBytes, after: newBytes };
    if (this.isSettled(before, after)) return null;
    const oldReferences = this.original.reader.referencesOf(before);
    const newReferences = this.patched.reader.referencesOf(after);
    return this.contentDifference(before, oldReferences, after, newReferences);
  }

  private isSettled(before: Chunk, after: Chunk): boolean {
    const { index } = before.section;
    return (
      this.skim.isSettled(index) && this.skim.alignedWith(index) === after.section.index && before.rank === after.rank
    );
  }

  /** Where two chunks of different size first differ. */
  private firstInside(before: Chunk, after: Chunk): Difference | null {
    const oldReferences = this.original.reader.referencesOf(before);
    const newReferences = this.patched.reader.referencesOf(after);
    return this.contentDifference(before, oldReferences, after, newReferences);
  }

  private contentDifference(
    before: Range,
    oldReferences: readonly Reference[],
    after: Range,
    newReferences: readonly Reference[],
  ): Difference | null {
    const pair = { before: this.bytes(this.original, before), after: this.bytes(this.patched, after) };
    const index = oldReferences.findIndex((old, at) => !this.sameReference(old, newReferences[at]));
    const rank = index === -1 && newReferences.length > oldReferences.length ? oldReferences.length : index;
    const reference =
      rank === -1
        ? null
        : referenceDifference(
            { reader: this.original.reader, reference: oldReferences[rank] },
            { reader: this.patched.reader, reference: newReferences[rank] },
          );
    const at = firstByteDifference(pair.before, pair.after, oldReferences);
    if (at === -1) return reference;
    // Other bytes move what comes after them: the first place says most.
    if (reference !== null && reference.offset <= at) return reference;
    const isCode = (before.section.flags & sectionFlag.exec) !== 0;
    if (reference === null && isCode && onlyLineNumberDiffers(pair, oldReferences, this.original.reader)) return null;
    return byteDifference(pair, at, isCode);
  }

  private sameReference(old: Reference, now: Reference | undefined): boolean {
    return (
      now !== undefined && old.offset === now.offset && old.type === now.type && this.sameTarget(old.target, now.target)
    );
  }

  private bytes(side: Side, { section, start, end }: Range): Uint8Array {
    // Memory that begins as zeros may be in the file with the other build: its author put it elsewhere.
    if (section.type === sectionType.nobits) return new Uint8Array(end - start);
    return side.reader.model.elf.bytesOf(section).subarray(start, end);
  }

  private sameTarget(old: Target, now: Target): boolean {
    if (old.kind === 'chunk' && now.kind === 'chunk') return this.sameChunkTarget(old, now);
    if (old.kind !== now.kind || old.place !== now.place) return false;
    switch (old.kind) {
      case 'undefined':
        return now.kind === 'undefined' && old.name === now.name;
      case 'section':
        return now.kind === 'section' && old.section.name === now.section.name;
      case 'unclear':
        return now.kind === 'unclear' && old.what === now.what;
      case 'chunk':
        return false;
    }
  }

  private sameChunkTarget(old: Target & { kind: 'chunk' }, now: Target & { kind: 'chunk' }): boolean {
    if (old.chunk.kind === 'constants' && now.chunk.kind === 'constants') {
      const isSamePlace = old.place - old.base === now.place - now.base;
      return old.bias === now.bias && isSamePlace && this.sameConstant(old, now);
    }
    if (old.place !== now.place) return false;
    const pair = this.correlation.toPatched(old.chunk);
    if (pair !== undefined) return pair === now.chunk;
    return isComparedByContent(old.chunk) && isComparedByContent(now.chunk) && this.deeplyEqual(old.chunk, now.chunk);
  }

  private sameConstant(old: Target & { kind: 'chunk' }, now: Target & { kind: 'chunk' }): boolean {
    const a = constantAt(this.original.reader, old);
    const b = constantAt(this.patched.reader, now);
    return a.length === b.length && a.every((byte, index) => byte === b[index]);
  }

  /** Whether two chunks that no name relates have the same content, references followed. */
  private deeplyEqual(before: Chunk, after: Chunk): boolean {
    const key = before.id * maxChunks + after.id;
    const known = this.deepResults.get(key);
    if (known !== undefined) return known;
    this.deepResults.set(key, true);
    const kind = lineHolder(before);
    const equal =
      kind === null ? this.sameContent(before, after) : kind === lineHolder(after) && this.sameButLine(before, after);
    this.deepResults.set(key, equal);
    return equal;
  }

  private sameContent(before: Chunk, after: Chunk): boolean {
    if (before.section.type === sectionType.nobits || after.section.type === sectionType.nobits) {
      return before.section.type === after.section.type && before.end - before.start === after.end - after.start;
    }
    return this.chunkDifference(before, after) === null;
  }

  /** Content that holds a line number, but for that. */
  private sameButLine(before: Chunk, after: Chunk): boolean {
    const oldReferences = this.original.reader.referencesOf(before);
    const newReferences = this.patched.reader.referencesOf(after);
    const a = this.bytes(this.original, before).slice();
    const b = this.bytes(this.patched, after).slice();
    for (const bytes of [a, b]) {
      if (lineHolder(before) === 'ubsan') bytes.fill(0, ubsanLineOffset, ubsanLineEnd);
      else clearLineBits(bytes, this.layouts.dynamicDebugLineOffset);
    }
    return (
      oldReferences.length === newReferences.length &&
      oldReferences.every((old, index) => this.sameTarget(old.target, (newReferences[index] as Reference).target)) &&
      a.length === b.length &&
      a.every((byte, index) => byte === b[index])
    );
  }

  private tableDifference(
    table: SiteTable,
    oldEntries: readonly SiteEntry[],
    newEntries: readonly SiteEntry[],
  ): Difference | null {
    const before = oldEntries.filter((entry) => entry.table === table);
    const after = newEntries.filter((entry) => entry.table === table);
    const counts = { before: before.length, after: after.length };
    if (before.length !== after.length) return { kind: 'table', table, entry: null, ...counts };
    const index = before.findIndex((entry, at) => !this.sameEntry(entry, after[at] as SiteEntry));
    return index === -1 ? null : { kind: 'table', table, entry: index + 1, ...counts };
  }

  private sameEntry(before: SiteEntry, after: SiteEntry): boolean {
    const a = this.bytes(this.original, before.range).slice();
    const b = this.bytes(this.patched, after.range).slice();
    if (before.table === '__bug_table' && this.layouts.bugLineOffset >= 0) {
      for (const bytes of [a, b]) bytes.fill(0, this.layouts.bugLineOffset, this.layouts.bugLineOffset + 2);
    }
    const sameBytes = a.length === b.length && a.every((byte, index) => byte === b[index]);
    return sameBytes && this.sameEntryReferences(before, after) && this.sameReplacement(before, after);
  }

  private sameEntryReferences(before: SiteEntry, after: SiteEntry): boolean {
    return (
      before.references.length === after.references.length &&
      before.references.every((old, index) => {
        const now = after.references[index] as Reference;
        if (old.offset !== now.offset || old.type !== now.type) return false;
        // Replacement code is compared itself, wherever it lies.
        const isReplacement = before.replacement !== null && old.target.kind === 'section';
        return isReplacement ? now.target.kind === 'section' : this.sameTarget(old.target, now.target);
      })
    );
  }

  private sameReplacement({ replacement: before }: SiteEntry, { replacement: after }: SiteEntry): boolean {
    if (before === null || after === null) return before === after;
    if (before.end - before.start !== after.end - after.start) return false;
    const oldReferences = this.original.reader.referencesIn(before);
    const newReferences = this.patched.reader.referencesIn(after);
    return this.contentDifference(before, oldReferences, after, newReferences) === null;
  }
}

/** Content without a name that says where in the source it belongs: struct _ddebug, and what UBSAN reports of a place. */
function lineHolder({ section }: Chunk): 'dynamic-debug' | 'ubsan' | null {
  if (section.name === '__dyndbg' || section.name === '__verbose') return 'dynamic-debug';
  return section.name.startsWith('.data..Lubsan_data') ? 'ubsan' : null;
}

/** Line and column of UBSAN's struct source_location, behind the pointer to the file's name. */
const ubsanLineOffset = 8;
const ubsanLineEnd = 16;

/** Clears the low 18 bits of the little-endian word at `offset`. */
function clearLineBits(bytes: Uint8Array, offset: number): void {
  bytes.fill(0, offset, offset + 2);
  if (offset + 2 < bytes.length) bytes[offset + 2] = (bytes[offset + 2] ?? 0) & 0xfc;
}

/** Offset of the first different byte outside the references (or where the shorter one ends); -1 if there is none. */
function firstByteDifference(a: Uint8Array, b: Uint8Array, references: readonly Reference[]): number {
  let next = 0;
  for (let at = 0; at < a.length || at < b.length; at++) {
    const reference = references[next];
    if (reference?.offset === at) {
      next++;
      at += Math.max(reference.widthBytes, 1) - 1;
    } else if (a[at] !== b[at]) return at;
  }
  return -1;
}
