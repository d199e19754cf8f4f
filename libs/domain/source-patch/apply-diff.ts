// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { sourcePatchError } from './failure';
import { pathOf, type DiffLine, type FileDiff, type Hunk } from './unified-diff';

/** Paths below a tree's root and their content in latin1; null where there is no such file. */
export type FileContents = ReadonlyMap<string, string | null>;

/**
 * The file after the diff, or null where the diff deletes it.
 *
 * Every context and removed line must be there exactly: offsets are allowed, fuzz is not, because a livepatch that lands
 * in the wrong function is worse than one that is refused. Of several places that match, the nearest to the hunk's own
 * line number wins, as with patch and git; hunks keep their order.
 *
 * @param original the file's text in latin1; null where the tree has no such file
 * @throws LockstepError with reason `diff-does-not-apply`
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
    const at = findHunk(source, before, announcedAt + offset, copied);
    if (at === undefined) throw explainMismatch(file, index + 1, source, before, announcedAt + offset);
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

/** Index of the first line of the nearest match, not before `from`. */
function findHunk(
  source: readonly string[],
  before: readonly string[],
  expectedAt: number,
  from: number,
): number | undefined {
  const lastStart = source.length - before.length;
  // A hunk without old lines names its own place: only a created file or a -U0 insertion has none.
  if (before.length === 0) return expectedAt <= lastStart ? Math.max(from, expectedAt) : undefined;
  const nearest = Math.min(Math.max(from, expectedAt), lastStart);
  for (let distance = 0; distance <= lastStart - from; distance += 1) {
    for (const at of distance === 0 ? [nearest] : [nearest - distance, nearest + distance]) {
      if (at >= from && at <= lastStart && matchingLines(source, before, at) === before.length) return at;
    }
  }
  return undefined;
}

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
