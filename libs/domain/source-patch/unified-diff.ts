// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { sourcePatchError } from './failure';

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

export interface FileDiff {
  /** Path below the tree's root; null for a file that the diff creates. */
  oldPath: string | null;
  /** Null for a file that the diff deletes. */
  newPath: string | null;
  hunks: Hunk[];
}

/** Below the tree's root; of the file that the diff makes, changes or deletes. */
export const pathOf = ({ newPath, oldPath }: FileDiff): string => newPath ?? oldPath ?? '';

/** Numbers as large as a file can have lines. */
const hunkHeader = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;

/**
 * Reads a unified diff as `diff -u`, `git diff` and quilt write it, paths with one leading component (`-p1`).
 * Strict: a hunk whose lines do not add up to its header, a rename, a mode change or a binary part is an error.
 *
 * Our own reader rather than a package's: the ones at hand answer a mismatch with "false", and we owe the author
 * the file, the hunk and the line that was found instead.
 *
 * @throws LockstepError with reason `diff-syntax`
 */
export function parseUnifiedDiff(text: string): FileDiff[] {
  const reader = new LineReader(text);
  const files: FileDiff[] = [];
  for (let line = reader.peek(); line !== undefined; line = reader.peek()) {
    refuseGitExtension(line, reader);
    if (line.startsWith('--- ') && reader.peek(1)?.startsWith('+++ ')) files.push(parseFile(reader));
    else if (hunkHeader.test(line)) throw reader.error('a hunk without the "---" and "+++" lines that name its file');
    else reader.next();
  }
  if (files.length === 0) throw reader.error('it holds no "---" / "+++" pair, so it changes no file');
  refuseRepeatedFiles(files, reader);
  return files;
}

function parseFile(reader: LineReader): FileDiff {
  const oldPath = parsePath(reader.next(), reader);
  const newPath = parsePath(reader.next(), reader);
  const path = newPath ?? oldPath;
  if (path === null) throw reader.error('both sides are /dev/null');
  if (oldPath !== null && newPath !== null && oldPath !== newPath && !isBackupName(oldPath, newPath)) {
    throw reader.error(`renames (${oldPath} to ${newPath}) are not supported: delete and create instead`);
  }
  const hunks: Hunk[] = [];
  for (let line = reader.peek(); line?.startsWith('@@ ') === true; line = reader.peek()) hunks.push(parseHunk(reader));
  if (hunks.length === 0) throw reader.error(`no hunk for ${path}`);
  return { oldPath: oldPath === null ? null : path, newPath: newPath === null ? null : path, hunks };
}

/** `diff -u meminfo.c.orig meminfo.c`: the file patched is the second one. */
function isBackupName(oldPath: string, newPath: string): boolean {
  return oldPath === `${newPath}.orig` || oldPath === `${newPath}~`;
}

function parsePath(headerLine: string, reader: LineReader): string | null {
  // A tab, or two blanks as some tools write it, ends the name; a time stamp follows. Blanks are looked at once each.
  const name = (headerLine.slice(4).split('\t')[0] ?? '').replace(/(?<! ) {2,}\d{4}-.*$/, '').trim();
  if (name === '/dev/null' || isBeginningOfTime(headerLine)) return null;
  const slash = name.indexOf('/');
  if (slash <= 0) {
    throw reader.error(`"${name}" has no leading directory: make the diff with a/ and b/ prefixes (-p1)`, -1);
  }
  const path = name.slice(slash + 1);
  const parts = path.split('/');
  if (path.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw reader.error(`"${name}" is not a path inside the tree`, -1);
  }
  return path;
}

/** `diff -N` names a file that is not there, and dates it to the epoch in the writer's time zone. */
function isBeginningOfTime(headerLine: string): boolean {
  const stamp = /\t(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.0+)? ([+-]\d\d)(\d\d)$/.exec(headerLine);
  return stamp !== null && Date.parse(`${stamp[1] ?? ''}T${stamp[2] ?? ''}${stamp[3] ?? ''}:${stamp[4] ?? ''}`) === 0;
}

function parseHunk(reader: LineReader): Hunk {
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
    if (oldLeft < 0 || newLeft < 0) throw reader.error('more lines than the hunk header announces', -1);
    if (reader.peek()?.startsWith('\\ ') === true) {
      reader.next();
      parsed.endsWithoutNewline = true;
    }
    lines.push(parsed);
  }
  const after = reader.peek();
  if (after !== undefined && isStrayHunkLine(after, reader))
    throw reader.error('more lines than the hunk header announces');
  return { oldStart: Number(match[1]), lines };
}

/** After a complete hunk only another hunk, another file, or prose may follow; "-- " starts a mail signature. */
function isStrayHunkLine(line: string, reader: LineReader): boolean {
  if (line.startsWith('--- ') && reader.peek(1)?.startsWith('+++ ') === true) return false;
  return (line.startsWith('+') || line.startsWith('-')) && line !== '-- ' && line !== '--';
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

function refuseGitExtension(line: string, reader: LineReader): void {
  if (/^(rename|copy) (from|to) /.test(line)) throw reader.error('renames and copies are not supported');
  if (/^(old|new) mode \d/.test(line)) throw reader.error('mode changes are not supported');
  if (line.startsWith('GIT binary patch') || /^Binary files .* differ$/.test(line)) {
    throw reader.error('binary changes are not supported');
  }
}

function refuseRepeatedFiles(files: readonly FileDiff[], reader: LineReader): void {
  const seen = new Set<string>();
  for (const file of files) {
    const path = pathOf(file);
    if (seen.has(path)) throw reader.error(`${path} is changed twice: send one diff, not several joined together`);
    seen.add(path);
  }
}

class LineReader {
  private readonly lines: string[];
  private index = 0;

  constructor(text: string) {
    this.lines = text.split('\n');
    if (this.lines.at(-1) === '') this.lines.pop();
  }

  /** 1-based number of the line that `peek()` shows. */
  get lineNumber(): number {
    return this.index + 1;
  }

  peek(ahead = 0): string | undefined {
    return this.lines[this.index + ahead];
  }

  next(): string {
    const line = this.lines[this.index] ?? '';
    this.index += 1;
    return line;
  }

  error(reason: string, offset = 0): LockstepError {
    return sourcePatchError({ kind: 'diff-syntax', line: this.lineNumber + offset, reason });
  }
}
