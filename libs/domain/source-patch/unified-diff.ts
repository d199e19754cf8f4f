// SPDX-License-Identifier: GPL-2.0-only
import { DiffLines } from './diff-lines';
import { isNameOf, namesInGitLine, pathInHeader, pathInRename, type Prefix } from './diff-names';
import { isHunkHeader, parseHunks, type Hunk } from './hunks';

/** What a diff makes of one file. Two paths that differ are those of a rename, or of a copy. */
export interface FileDiff {
  /** Path below the tree's root; null for a file that the diff creates. */
  oldPath: string | null;
  /** Null for a file that the diff deletes. */
  newPath: string | null;
  /** The file at the old path stays. */
  isCopy: boolean;
  /** Which of the commits of a series it belongs to, from 0. */
  commit: number;
  /** None where only the name changes, or an empty file comes or goes. */
  hunks: Hunk[];
}

/** Below the tree's root; of the file that the diff makes, changes or deletes. */
export const pathOf = ({ newPath, oldPath }: FileDiff): string => newPath ?? oldPath ?? '';

/** The file that a rename takes away. */
export const renamedFrom = ({ newPath, oldPath, isCopy }: FileDiff): string | undefined =>
  newPath === null || oldPath === null || isCopy || newPath === oldPath ? undefined : oldPath;

/**
 * Reads unified diffs as `diff -u`, `git diff`, `git format-patch` and quilt write them, one or a series, paths with one
 * leading component (`-p1`) unless git says that there is none (`diff.noprefix`). File modes are passed over: they change
 * no code. Strict: a hunk whose lines do not add up to its header or a binary part is an error.
 *
 * Our own reader rather than a package's: the ones at hand answer a mismatch with "false", and we owe the author
 * the file, the hunk and the line that was found instead.
 *
 * @throws LockstepError with reason `diff-syntax`
 */
export function parseUnifiedDiff(text: string): FileDiff[] {
  const lines = new DiffLines(text);
  const files: FileDiff[] = [];
  const commits = new CommitCounter();
  let isModeSeen = false;
  for (let line = lines.peek(); line !== undefined; line = lines.peek()) {
    refuseCombined(line, lines);
    const commit = commits.numberAt(line, files.length);
    if (line.startsWith('diff --git ')) {
      const file = parseGitFile(lines);
      isModeSeen ||= file === undefined;
      if (file !== undefined) files.push({ ...file, commit });
    } else if (line.startsWith('--- ') && lines.peek(1)?.startsWith('+++ ')) {
      files.push({ ...parseFile(lines, 1), commit });
    } else if (isHunkHeader(line)) {
      throw lines.error('a hunk without the "---" and "+++" lines that name its file');
    } else {
      refuseBinary(line, lines);
      lines.next();
    }
  }
  if (files.length > 0) return files;
  const isMerge = /^Merge: [0-9a-f]+ [0-9a-f]/m.test(text);
  if (isMerge) throw lines.error(`it is a merge, of which git shows no diff: ${howToShowMerges}`);
  throw lines.error(isModeSeen ? 'it changes only modes of files' : whyNoFile(text));
}

/** What people hand over for a unified diff, by a line that nothing else has. */
const otherForms: readonly (readonly [line: RegExp, what: string])[] = [
  [/^\*{15}( .*)?$/m, 'it is a context diff (diff -c): make it with diff -u, or git diff'],
  [/^\d+(?:,\d+)?[acd]\d+(?:,\d+)?$\n[<>] /m, 'it is a diff without context: make it with diff -u, or git diff'],
  [/^> (?:diff --git |--- |@@ -)/m, 'it is quoted (> before each line): take the mail that has it unquoted'],
  [/^ \S.* \| +\d+ [+-]+$/m, 'it is the summary of a diff alone (--stat): make it with git diff, or git format-patch'],
];

function whyNoFile(text: string): string {
  const form = otherForms.find(([line]) => line.test(text));
  return form?.[1] ?? 'it holds no "---" / "+++" pair, so it changes no file';
}

type ParsedFile = Omit<FileDiff, 'commit'>;

/** Each mail of `git format-patch`, and each commit of `git log -p`, stands on what the ones before it left. */
class CommitCounter {
  private commit = 0;
  private filesBefore = 0;

  numberAt(line: string, filesSoFar: number): number {
    if (/^(?:From|commit) [0-9a-f]{40}/.test(line) && filesSoFar > this.filesBefore) {
      this.commit += 1;
      this.filesBefore = filesSoFar;
    }
    return this.commit;
  }
}

function parseFile(lines: DiffLines, prefix: Prefix): ParsedFile {
  const oldPath = pathInHeader(lines.next(), prefix, lines);
  const newPath = pathInHeader(lines.next(), prefix, lines);
  const path = newPath ?? oldPath;
  if (path === null) throw lines.error('both sides are /dev/null');
  if (oldPath !== null && newPath !== null && oldPath !== newPath && !isBackupName(oldPath, newPath)) {
    throw lines.error(`${oldPath} on one side, ${newPath} on the other: a rename is only read as git writes it`);
  }
  const hunks = parseHunks(lines);
  if (hunks.length === 0) throw lines.error(`no hunk for ${path}`);
  return { oldPath: oldPath === null ? null : path, newPath: newPath === null ? null : path, isCopy: false, hunks };
}

/** `diff -u meminfo.c.orig meminfo.c`: the file patched is the second one. */
function isBackupName(oldPath: string, newPath: string): boolean {
  return oldPath === `${newPath}.orig` || oldPath === `${newPath}~`;
}

/** What git writes between `diff --git` and the hunks. */
interface GitHeader {
  from?: string;
  to?: string;
  isCopy: boolean;
  change: 'creates' | 'deletes' | 'modifies';
  modes: Set<string>;
  /** By its `index` line it has other lines than before, which the hunks must show. */
  hasOtherLines: boolean;
}

const gitHeaderLine =
  /^(?:(old|new) mode|(new|deleted) file mode|(rename|copy) (from|to)|(?:dis)?similarity index|(index)) (.*)$/;

/** Of no file, and of one without lines (SHA-1, SHA-256). */
const withoutLines = /^(?:0+|e69de29[0-9a-f]*|473a0f4[0-9a-f]*)$/;

function tellsOfOtherLines(index: string): boolean {
  const [before = '', after = ''] = index.split(' ')[0]?.split('..') ?? [];
  return before !== after && !(withoutLines.test(before) && withoutLines.test(after));
}

/** One file of git's; undefined where only its mode changes. */
function parseGitFile(lines: DiffLines): ParsedFile | undefined {
  const { name, prefix } = namesInGitLine(lines.next());
  const header = parseGitHeader(lines);
  const { from, to, isCopy, change } = header;
  const [line, after] = [lines.peek() ?? '', lines.peek(1) ?? ''];
  refuseBinary(line, lines);
  const hasHunks = line.startsWith('--- ') && after.startsWith('+++ ');
  if (!hasHunks) refuseWithoutHunks(header, lines);
  if (from !== undefined && to !== undefined) {
    if (!hasHunks) return { oldPath: from, newPath: to, isCopy, hunks: [] };
    const isSame = isNameOf(lines.next(), from) && isNameOf(lines.next(), to);
    if (!isSame) throw lines.error('another name than "rename" or "copy" above says (edited by hand?)', -1);
    return { oldPath: from, newPath: to, isCopy, hunks: parseHunks(lines) };
  }
  if (hasHunks) {
    const file = parseFile(lines, prefix);
    refuseOtherChange(change, file, lines);
    return file;
  }
  if (change === 'modifies') return undefined;
  if (name === undefined) throw lines.error('this file has no name');
  const path = pathInHeader(`--- ${name}`, prefix, lines);
  const isNew = change === 'creates';
  return { oldPath: isNew ? null : path, newPath: isNew ? path : null, isCopy: false, hunks: [] };
}

/** What was cut off, or whose hunks lie behind what a hand added, would be left out of the livepatch without a word. */
function refuseWithoutHunks({ from, to, change, modes, hasOtherLines }: GitHeader, lines: DiffLines): void {
  const isWhole = (from !== undefined && to !== undefined) || change !== 'modifies' || modes.size === 2;
  if (isWhole && !hasOtherLines) return;
  throw lines.error('the changes of the file that git names above are not there (truncated or edited by hand?)');
}

function refuseOtherChange(change: GitHeader['change'], { oldPath, newPath }: ParsedFile, lines: DiffLines): void {
  const isSo = (change === 'creates') === (oldPath === null) && (change === 'deletes') === (newPath === null);
  if (isSo) return;
  const [said, path] = [{ creates: 'new', deletes: 'deleted', modifies: 'there' }[change], newPath ?? oldPath ?? ''];
  throw lines.error(`${path} is ${said} by its header, and not by the names of its hunks (edited by hand?)`, -1);
}

function parseGitHeader(lines: DiffLines): GitHeader {
  const header: GitHeader = { isCopy: false, change: 'modifies', modes: new Set(), hasOtherLines: false };
  for (
    let match = gitHeaderLine.exec(lines.peek() ?? '');
    match !== null;
    match = gitHeaderLine.exec(lines.peek() ?? '')
  ) {
    const [, mode, file, move, side, index, rest = ''] = match;
    lines.next();
    if ((mode === 'new' || file === 'new') && !rest.startsWith('100')) {
      throw lines.error(`mode ${rest} makes it a link or a submodule: no source is built from that`, -1);
    }
    if (mode !== undefined) header.modes.add(mode);
    if (index !== undefined) header.hasOtherLines = tellsOfOtherLines(rest);
    if (file !== undefined) header.change = file === 'new' ? 'creates' : 'deletes';
    if (move !== undefined) header.isCopy = move === 'copy';
    if (side === 'from') header.from = pathInRename(rest, lines);
    if (side === 'to') header.to = pathInRename(rest, lines);
  }
  return header;
}

const howToShowMerges = 'take git diff MERGE^1 MERGE, or the commits that it merged';

function refuseCombined(line: string, lines: DiffLines): void {
  if (!/^(?:diff --(?:cc|combined) |@@@ -)/.test(line)) return;
  throw lines.error(`it is the combined diff of a merge, which does not say what changes: ${howToShowMerges}`);
}

function refuseBinary(line: string, lines: DiffLines): void {
  if (line.startsWith('GIT binary patch') || /^Binary files .* differ$/.test(line)) {
    throw lines.error('binary changes are not supported');
  }
}
