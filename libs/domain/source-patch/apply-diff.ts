// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { sourcePatchError } from './failure';
import { pathOf, type DiffLine, type FileDiff, type Hunk } from './unified-diff';

/** Paths below a tree's root and their content in latin1; null where there is no such file. */
export type FileContents = ReadonlyMap<string, string | null>;

/**
 * The file after the diff, or null where the diff deletes it.
 *
 * Every context and removed line must be there exactly, at the line that the hunk names or, where lines above were added
 * or taken away, at one other place alone. No fuzz and no nearest of several: a livepatch that lands in the wrong function
 * is worse than one that is refused. Hunks keep their order.
 *
 * @param original the file's text in latin1; null where the tree has no such file
 * @throws LockstepError with reason `diff-does-not-apply` or `diff-ambiguous`
 */
export function applyFileDiff(original: string | null, diff: FileDiff): string | null {
  const file = pathOf(diff);
  if (original === null && diff.oldPath !== null) throw mismatch(file, 1, 0, 'the file', 'no such file in this tree');
  if (original !== null && diff.oldPath === null)
    throw mismatch(file, 1, 0, 'no such file', 'the file exists in this tree');
  const source = splitLines(original ?? '');
  const result: string[] = [];
  const add = (lines: readonly string[], hunk: number): void => {
    const [first, last] = [lines[0], result.at(-1)];
    if (first !== undefined && last?.endsWith('\n') === false)
      throw mismatch(file, hunk, result.length + 1, endOfFile, withoutNewline(first));
    for (const line of lines) result.push(line);
  };
  let copied = 0;
  let offset = 0;
  diff.hunks.forEach((hunk, index) => {
    const before = sideOf(hunk, 'removed');
    const announcedAt = hunk.oldStart - (before.length === 0 ? 0 : 1);
    const isAtHome = offset === 0 && announcedAt >= copied && fits(source, before, announcedAt);
    const places = isAtHome ? [announcedAt] : placesOf(source, before, copied);
    const [at] = places;
    if (at === undefined) throw explainMismatch(file, index + 1, source, before, announcedAt + offset);
    if (places.length > 1) throw ambiguous(file, index + 1, places);
    add(source.slice(copied, at), index + 1);
    add(sideOf(hunk, 'added'), index + 1);
    copied = at + before.length;
    offset = at - announcedAt;
  });
  add(source.slice(copied), diff.hunks.length);
  if (diff.newPath !== null) return result.join('');
  const [left] = result;
  if (left !== undefined) throw mismatch(file, diff.hunks.length, 1, endOfFile, withoutNewline(left));
  return null;
}

const endOfFile = 'the end of the file';

/** Each with its newline: whether the last one has one is part of it. */
function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/** The hunk's lines before (`removed`) or after (`added`) it is applied. */
function sideOf(hunk: Hunk, kind: 'removed' | 'added'): string[] {
  const isOfSide = (line: DiffLine): boolean => line.kind === 'context' || line.kind === kind;
  return hunk.lines.filter(isOfSide).map((line) => line.text + (line.endsWithoutNewline ? '' : '\n'));
}

/** Indices of the first lines of all places that the hunk's old lines stand at, from `from` on. */
function placesOf(source: readonly string[], before: readonly string[], from: number): number[] {
  const places: number[] = [];
  for (let at = from; at <= source.length - before.length; at += 1) {
    if (fits(source, before, at)) places.push(at);
  }
  return places;
}

const fits = (source: readonly string[], before: readonly string[], at: number): boolean =>
  at + before.length <= source.length && matchingLines(source, before, at) === before.length;

/** How many of the hunk's old lines match in a row from `at` on. */
function matchingLines(source: readonly string[], before: readonly string[], at: number): number {
  const differing = before.findIndex((line, index) => source[at + index] !== line);
  return differing < 0 ? before.length : differing;
}

/** Shows the first line that differs at the place where most of the hunk's first lines match, by default its own. */
function explainMismatch(
  file: string,
  hunk: number,
  source: readonly string[],
  before: readonly string[],
  expectedAt: number,
): LockstepError {
  const nearest = Math.min(Math.max(0, expectedAt), source.length);
  let best = { at: nearest, count: matchingLines(source, before, nearest) };
  for (let at = 0; at < source.length; at += 1) {
    const count = matchingLines(source, before, at);
    if (count > best.count) best = { at, count };
  }
  const expected = before[best.count] ?? '';
  const found = source[best.at + best.count];
  const isSameText = found !== undefined && withoutNewline(found) === withoutNewline(expected);
  const show = (line: string): string =>
    withoutNewline(line) + (isSameText && !line.endsWith('\n') ? ' (no newline at end of file)' : '');
  const line = best.at + best.count + 1;
  return mismatch(file, hunk, line, show(expected), found === undefined ? endOfFile : show(found));
}

const withoutNewline = (line: string): string => line.replace(/\n$/, '');

function ambiguous(file: string, hunk: number, places: readonly number[]): LockstepError {
  const lines = places.map((at) => String(at + 1));
  return sourcePatchError({ kind: 'diff-ambiguous', file, hunk, lines });
}

function mismatch(file: string, hunk: number, line: number, expected: string, found: string): LockstepError {
  return sourcePatchError({
    kind: 'diff-does-not-apply',
    file,
    hunk,
    line,
    expected: latin1ToText(expected),
    found: latin1ToText(found),
  });
}

/** Back from bytes-as-latin1 to what a person reads. */
function latin1ToText(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}
