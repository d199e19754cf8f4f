// SPDX-License-Identifier: GPL-2.0-only

export type DiffLineKind = 'file' | 'hunk' | 'added' | 'removed' | 'context';

export interface DiffLine {
  readonly kind: DiffLineKind;
  /** Without its mark. */
  readonly text: string;
  /** Of the file before and after; undefined where the line is not in it. */
  readonly before: number | undefined;
  readonly after: number | undefined;
}

const hunkHead = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;
const marks: Readonly<Record<string, DiffLineKind>> = { '+': 'added', '-': 'removed', ' ': 'context', '': 'context' };

/** A unified diff line by line, with the numbers that its lines have in the files. */
export function diffLines(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let [before, after, isInHunk] = [0, 0, false];
  for (const line of diff.replace(/\n$/, '').split('\n')) {
    const head = hunkHead.exec(line);
    if (head !== null) {
      [before, after, isInHunk] = [Number(head[1]), Number(head[2]), true];
      lines.push({ kind: 'hunk', text: line, before: undefined, after: undefined });
      continue;
    }
    const isHeader = /^(?:diff |index |--- |\+\+\+ |new file|deleted file)/.test(line);
    const kind = isInHunk && !/^(?:diff |--- a\/|\+\+\+ b\/)/.test(line) ? marks[line.slice(0, 1)] : undefined;
    if (kind === undefined) {
      if (isHeader) isInHunk = false;
      lines.push({ kind: 'file', text: line, before: undefined, after: undefined });
      continue;
    }
    lines.push({
      ...{ kind, text: line.slice(1) },
      before: kind === 'added' ? undefined : before++,
      after: kind === 'removed' ? undefined : after++,
    });
  }
  return lines;
}
