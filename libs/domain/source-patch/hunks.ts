// SPDX-License-Identifier: GPL-2.0-only
import type { DiffLines } from './diff-lines';

/** Text is latin1 throughout: one character a byte, so that a source file in any encoding survives unchanged. */
export interface DiffLine {
  kind: 'context' | 'removed' | 'added';
  text: string;
  /** The last line of the file, without a newline after it. */
  endsWithoutNewline: boolean;
}

export interface Hunk {
  /** 1-based; 0 only where the side has no lines. */
  oldStart: number;
  lines: DiffLine[];
}

/** Numbers as large as a file can have lines. */
const hunkHeader = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;

export const isHunkHeader = (line: string): boolean => hunkHeader.test(line);

/** All hunks that follow one another. @throws LockstepError with reason `diff-syntax` */
export function parseHunks(lines: DiffLines): Hunk[] {
  const hunks: Hunk[] = [];
  while (lines.peek()?.startsWith('@@ ') === true) hunks.push(parseHunk(lines));
  return hunks;
}

function parseHunk(reader: DiffLines): Hunk {
  const header = reader.next();
  const headerLine = reader.lineNumber - 1;
  const match = hunkHeader.exec(header);
  if (match === null) throw reader.error(`not a hunk header: "${header}"`, -1);
  let oldLeft = Number(match[2] ?? 1);
  let newLeft = Number(match[4] ?? 1);
  const lines: DiffLine[] = [];
  while (oldLeft > 0 || newLeft > 0) {
    const line = reader.peek();
    const parsed = line === undefined ? undefined : parseHunkLine(line);
    if (parsed === undefined) {
      throw reader.error(
        `the hunk that starts at line ${headerLine} ends ${oldLeft} old and ${newLeft} new lines early (truncated or edited by hand?)`,
      );
    }
    reader.next();
    if (parsed.kind !== 'added') oldLeft -= 1;
    if (parsed.kind !== 'removed') newLeft -= 1;
    // What is to be there already is seen to be whole.
    if (parsed.kind === 'added' && reader.isCutShort)
      throw reader.error('it ends in the middle of a line (truncated?)', -1);
    if (oldLeft < 0 || newLeft < 0) throw reader.error('more lines than the hunk header announces', -1);
    if (reader.peek()?.startsWith('\\ ') === true) {
      reader.next();
      parsed.endsWithoutNewline = true;
    }
    lines.push(parsed);
  }
  const stray = strayLineBehind(reader);
  if (stray !== undefined) throw reader.error('more lines than the hunk header announces', stray);
  if (lines.every(({ kind }) => kind === 'context')) throw reader.error('a hunk that changes nothing', -1);
  return { oldStart: Number(match[1]), lines };
}

/**
 * After a complete hunk only another hunk, another file, or prose may follow; "-- " starts a mail signature. What goes on
 * like a hunk, be it after lines that look like context, would be left out without a word.
 */
function strayLineBehind(reader: DiffLines): number | undefined {
  for (let ahead = 0, isBlankSeen = false; ; ahead += 1) {
    const line = reader.peek(ahead);
    const isEnd = line === undefined || line === '-- ' || line === '--' || (isBlankSeen && line === '---');
    if (isEnd || isHunkHeader(line) || reader.isPartBoundary(line)) return undefined;
    if (line.startsWith('--- ') && reader.peek(ahead + 1)?.startsWith('+++ ') === true) return undefined;
    if (/^[-+]|^ ?@{1,2} ?-\d/.test(line)) return ahead;
    if (!/^(?:[ \\]|$)/.test(line)) return undefined;
    isBlankSeen ||= line === '';
  }
}

function parseHunkLine(line: string): DiffLine | undefined {
  const text = line.slice(1);
  switch (line[0]) {
    case ' ':
      return { kind: 'context', text, endsWithoutNewline: false };
    case '-':
      return { kind: 'removed', text, endsWithoutNewline: false };
    case '+':
      return { kind: 'added', text, endsWithoutNewline: false };
    case undefined:
      // Mailers strip the blank of an empty context line.
      return { kind: 'context', text: '', endsWithoutNewline: false };
    default:
      return undefined;
  }
}
