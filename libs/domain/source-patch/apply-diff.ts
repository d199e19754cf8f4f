// SPDX-License-Identifier: GPL-2.0-only
import { describeLines, endOfFile, explainMismatch, mismatch, withoutNewline } from './explain-mismatch';
import { describeMismatch, sourcePatchError } from './failure';
import { lineText, SoughtHunk, type Place, type StaleLine } from './hunk-places';
import type { Hunk } from './hunks';
import { pathOf, type FileDiff } from './unified-diff';

export interface AppliedFile {
  /** In latin1; null where the diff deletes it. */
  readonly text: string | null;
  /** Of hunks that were let in with fuzz: where, and what the file has instead of the diff's context. */
  readonly staleContext: readonly string[];
}

/**
 * The file after the diff.
 *
 * Every context and removed line must be there exactly, at the line that the hunk names or, where lines above were added
 * or taken away, at one other place alone. No nearest of several: a livepatch that lands in the wrong function
 * is worse than one that is refused. What is taken is what
 * `git apply --unidiff-zero` takes, or nothing.
 *
 * @param original the file's text in latin1; null where the tree has no such file
 * @param fuzz how many lines of context of each hunk may differ, by the author's word
 * @throws LockstepError with reason `diff-does-not-apply`, `diff-ambiguous` or `diff-without-context`
 */
export function applyFileDiff(original: string | null, diff: FileDiff, fuzz = 0): AppliedFile {
  const file = pathOf(diff);
  if (original === null && diff.oldPath !== null) {
    const advice = 'Names are read without what stands before their first slash (-p1)';
    throw mismatch({
      file: diff.oldPath,
      hunk: 1,
      line: 0,
      expected: 'the file',
      found: 'no such file in this tree',
      advice,
    });
  }
  if (original !== null && diff.oldPath === null) {
    throw mismatch({ file, hunk: 1, line: 0, expected: 'no such file', found: 'the file exists in this tree' });
  }
  const source = splitLines(original ?? '');
  const result: string[] = [];
  const staleContext: string[] = [];
  const add = (lines: readonly string[], hunk: number): void => {
    const [first, last] = [lines[0], result.at(-1)];
    if (first !== undefined && last?.endsWith('\n') === false)
      throw mismatch({ file, hunk, line: result.length + 1, expected: endOfFile, found: withoutNewline(first) });
    for (const line of lines) result.push(line);
  };
  let copied = 0;
  let offset = 0;
  for (const [number, hunk] of inFileOrder(diff.hunks)) {
    const sought = new SoughtHunk(hunk, source);
    const place = placeOf({ file, number, hunk, sought, from: copied, offset, fuzz });
    const start = Math.max(copied, place.at);
    add(source.slice(copied, start), number);
    add(linesMadeOf(hunk, source, place.at, copied), number);
    copied = Math.max(start, Math.min(place.at + sought.before.length, source.length));
    offset = place.at - sought.announcedAt;
    staleContext.push(...place.stale.map((line) => describeStale(file, number, fuzz, line)));
  }
  add(source.slice(copied), diff.hunks.length);
  if (diff.newPath !== null) return { text: result.join(''), staleContext };
  const [left] = result;
  if (left === undefined) return { text: null, staleContext };
  throw mismatch({ file, hunk: diff.hunks.length, line: 1, expected: endOfFile, found: withoutNewline(left) });
}

function describeStale(file: string, hunk: number, fuzz: number, { at, expected, found }: StaleLine): string {
  const shown = describeLines(expected, found, at < 0);
  return `--fuzz ${fuzz} let it in: ${describeMismatch({ file, hunk, line: at + 1, ...shown, advice: '' })}`;
}

/** With their numbers in the diff, from 1. */
function inFileOrder(hunks: readonly Hunk[]): (readonly [number: number, hunk: Hunk])[] {
  const numbered = hunks.map((hunk, index) => [index + 1, hunk] as const);
  return numbered.sort(([, left], [, right]) => left.oldStart - right.oldStart);
}

/** Each with its newline: whether the last one has one is part of it. */
function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

interface Search {
  readonly file: string;
  readonly number: number;
  readonly hunk: Hunk;
  readonly sought: SoughtHunk;
  readonly from: number;
  /** How far the hunk before was from where the diff says. */
  readonly offset: number;
  readonly fuzz: number;
}

function placeOf({ file, number, hunk, sought, from, offset, fuzz }: Search): Place {
  const home = sought.announcedAt;
  const isAtHome = offset === 0 && home >= from && sought.fitsAt(home);
  // Cut short, a hunk proves its line number by too little: its lines must stand nowhere else either.
  if (isAtHome && sought.isBoundedAt(home)) return { at: home, stale: [] };
  if (sought.before.length === 0) throw sourcePatchError({ kind: 'diff-without-context', file, hunk: number });
  const exact = sought.placesFrom(from);
  const places = exact.length > 0 || fuzz === 0 ? exact : sought.stalePlacesFrom(from, fuzz);
  const [place] = places;
  if (place === undefined)
    throw explainMismatch({ file, hunk: number, sought, from, expectedAt: home + offset, after: hunk });
  if (places.length === 1) return place;
  const lines = places.map(({ at }) => String(at + 1));
  throw sourcePatchError({ kind: 'diff-ambiguous', file, hunk: number, lines });
}

/** The hunk's new lines; those of the context as the file has them. */
function linesMadeOf(hunk: Hunk, source: readonly string[], at: number, from: number): string[] {
  const made: string[] = [];
  let next = at;
  for (const line of hunk.lines) {
    if (line.kind === 'added') made.push(lineText(line));
    else {
      const found = next < from ? undefined : source[next];
      if (line.kind === 'context' && found !== undefined) made.push(found);
      next += 1;
    }
  }
  return made;
}
