// SPDX-License-Identifier: GPL-2.0-only
import type { DiffLine, Hunk } from './hunks';

/** A line of context that the file has otherwise, at a place taken by the author's word (`--fuzz`). */
export interface StaleLine {
  /** 0-based, of the file. */
  readonly at: number;
  readonly expected: string;
  /** Undefined beyond the ends of the file. */
  readonly found: string | undefined;
}

/** Where a hunk's old lines stand. */
export interface Place {
  /** 0-based; with stale lines it may lie before the file's first line. */
  readonly at: number;
  readonly stale: readonly StaleLine[];
}

/** A line of one side, with its newline: whether the last one has one is part of it. */
export const lineText = ({ text, endsWithoutNewline }: DiffLine): string => text + (endsWithoutNewline ? '' : '\n');

/** The hunk's lines before (`removed`) or after (`added`) it is applied. */
export function sideOf(hunk: Hunk, kind: 'removed' | 'added'): DiffLine[] {
  return hunk.lines.filter((line) => line.kind === 'context' || line.kind === kind);
}

/** A hunk as it is looked for. */
export class SoughtHunk {
  /** With newlines. */
  readonly before: readonly string[];
  /** 0-based; where the diff says that it stands. */
  readonly announcedAt: number;
  private readonly isContext: readonly boolean[];
  private readonly hasContextBefore: boolean;
  private readonly hasContextBehind: boolean;

  constructor(
    hunk: Hunk,
    private readonly source: readonly string[],
  ) {
    const old = sideOf(hunk, 'removed');
    this.before = old.map(lineText);
    this.isContext = old.map(({ kind }) => kind === 'context');
    this.announcedAt = hunk.oldStart - (old.length === 0 ? 0 : 1);
    this.hasContextBefore = hunk.lines[0]?.kind === 'context';
    this.hasContextBehind = hunk.lines.at(-1)?.kind === 'context';
  }

  /** Whether what it changes lies, at this place, between lines of context or the ends of the file. */
  isBoundedAt(at: number): boolean {
    const endsFile = at + this.before.length === this.source.length;
    return (this.hasContextBefore || at === 0) && (this.hasContextBehind || endsFile);
  }

  fitsAt(at: number): boolean {
    const { before, source } = this;
    if (at < 0 || at + before.length > source.length) return false;
    return before.every((line, index) => source[at + index] === line);
  }

  /** All places from `from` on. */
  placesFrom(from: number): Place[] {
    const places: Place[] = [];
    for (let at = from; at <= this.source.length - this.before.length; at += 1) {
      if (this.fitsAt(at)) places.push({ at, stale: [] });
    }
    return places;
  }

  /** The places where fewest lines of context differ, at most `fuzz`; what the hunk removes must be there. */
  stalePlacesFrom(from: number, fuzz: number): Place[] {
    const { before, source } = this;
    let best: Place[] = [];
    let allowed = Math.min(fuzz, Math.ceil(before.length / 2) - 1);
    for (let at = from - allowed; at <= source.length - before.length + allowed; at += 1) {
      const stale = this.staleAt(at, from, allowed);
      if (stale === undefined) continue;
      if (stale.length < (best[0]?.stale.length ?? Infinity)) best = [];
      best.push({ at, stale });
      allowed = stale.length;
    }
    return best;
  }

  /** Whether the hunk's new lines stand where it belongs. */
  isAppliedAt(at: number, after: readonly string[]): boolean {
    return after.length > 1 && after.every((line, index) => this.source[at + index] === line);
  }

  /** Where most of the hunk's first lines match in a row, by default at `expected`. */
  likeliestPlace(expected: number): number {
    const nearest = Math.min(Math.max(0, expected), this.source.length);
    let best = { at: nearest, count: this.matchingLinesAt(nearest) };
    for (let at = 0; at < this.source.length; at += 1) {
      const count = this.matchingLinesAt(at);
      if (count > best.count) best = { at, count };
    }
    return best.at;
  }

  /** 0-based line of the file; undefined lines are those before its first and behind its last. */
  firstDifferenceAt(at: number): { line: number; expected: string | undefined; found: string | undefined } {
    const matching = this.matchingLinesAt(at);
    return { line: at + matching, expected: this.before[matching], found: this.source[at + matching] };
  }

  private matchingLinesAt(at: number): number {
    const differing = this.before.findIndex((line, index) => this.source[at + index] !== line);
    return differing < 0 ? this.before.length : differing;
  }

  private staleAt(at: number, from: number, allowed: number): StaleLine[] | undefined {
    const stale: StaleLine[] = [];
    for (const [index, expected] of this.before.entries()) {
      const found = at + index < from ? undefined : this.source[at + index];
      if (found === expected) continue;
      if (this.isContext[index] !== true || stale.length === allowed) return undefined;
      stale.push({ at: at + index, expected, found });
    }
    return stale;
  }
}
