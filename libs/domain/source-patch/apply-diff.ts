// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { sourcePatchError } from './failure';
import { pathOf, type DiffLine, type FileDiff, type Hunk } from './unified-diff';

/** Paths below a tree's root and their content in latin1; null where there is no such file. */
export type FileContents = ReadonlyMap<string, string | null>;

/** A file's lines without their newlines; `endsWithNewline` is false where the last one has none. */
interface FileLines {
  lines: string[];
  endsWithNewline: boolean;
}

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
  let endsWithNewline = source.endsWithNewline || source.lines.length === 0;
  let copied = 0;
  let offset = 0;
  diff.hunks.forEach((hunk, index) => {
    const before = hunk.lines.filter((line) => line.kind !== 'added');
    const expectedAt = Math.max(copied, hunk.oldStart - (before.length === 0 ? 0 : 1) + offset);
    const at = findHunk(source, before, expectedAt, copied);
    if (at === undefined) throw explainMismatch(file, index + 1, source, before, expectedAt);
    result.push(...source.lines.slice(copied, at));
    result.push(...hunk.lines.filter((line) => line.kind !== 'removed').map((line) => line.text));
    copied = at + before.length;
    offset = at - (hunk.oldStart - (before.length === 0 ? 0 : 1));
    if (copied === source.lines.length) endsWithNewline = newlineAfter(hunk, endsWithNewline);
  });
  result.push(...source.lines.slice(copied));
  if (diff.newPath === null) {
    if (result.length > 0) throw mismatch(file, diff.hunks.length, 1, 'the end of the file', result[0] ?? '');
    return null;
  }
  return result.join('\n') + (result.length > 0 && endsWithNewline ? '\n' : '');
}

function newlineAfter(hunk: Hunk, before: boolean): boolean {
  const last = hunk.lines.findLast((line) => line.kind !== 'removed');
  return last === undefined ? before : !last.endsWithoutNewline;
}

function splitLines(text: string): FileLines {
  if (text === '') return { lines: [], endsWithNewline: true };
  const endsWithNewline = text.endsWith('\n');
  return { lines: (endsWithNewline ? text.slice(0, -1) : text).split('\n'), endsWithNewline };
}

/** Index of the first line of the nearest match, not before `from`. */
function findHunk(
  source: FileLines,
  before: readonly DiffLine[],
  expectedAt: number,
  from: number,
): number | undefined {
  const lastStart = source.lines.length - before.length;
  // A hunk without old lines names its own place: only a created file or a -U0 insertion has none.
  if (before.length === 0) return expectedAt <= source.lines.length ? expectedAt : undefined;
  const reach = Math.max(expectedAt - from, lastStart - expectedAt);
  for (let distance = 0; distance <= reach; distance += 1) {
    for (const at of distance === 0 ? [expectedAt] : [expectedAt - distance, expectedAt + distance]) {
      if (at >= from && at <= lastStart && matchingLines(source, before, at) === before.length) return at;
    }
  }
  return undefined;
}

/** How many of the hunk's old lines match in a row from `at` on. */
function matchingLines(source: FileLines, before: readonly DiffLine[], at: number): number {
  const differing = before.findIndex((line, index) => {
    const isLastOfFile = at + index === source.lines.length - 1;
    const lacksNewline = isLastOfFile && !source.endsWithNewline;
    return source.lines[at + index] !== line.text || lacksNewline !== line.endsWithoutNewline;
  });
  return differing < 0 ? before.length : differing;
}

/** Shows the first line that differs at the place where most of the hunk's first lines match, by default its own. */
function explainMismatch(
  file: string,
  hunk: number,
  source: FileLines,
  before: readonly DiffLine[],
  expectedAt: number,
): LockstepError {
  let best = { at: expectedAt, count: matchingLines(source, before, expectedAt) };
  for (let at = 0; at < source.lines.length; at += 1) {
    const count = matchingLines(source, before, at);
    if (count > best.count) best = { at, count };
  }
  const expected = before[best.count];
  const found = source.lines[best.at + best.count];
  const sameText = expected !== undefined && found === expected.text;
  return mismatch(
    file,
    hunk,
    best.at + best.count + 1,
    (expected?.text ?? '') + (sameText && expected.endsWithoutNewline ? ' (no newline at end of file)' : ''),
    found === undefined
      ? 'the end of the file'
      : found + (sameText && !expected.endsWithoutNewline ? ' (no newline at end of file)' : ''),
  );
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
