// SPDX-License-Identifier: GPL-2.0-only

/** One line of a file, or of two: `endsWithoutNewline` is part of what it is. */
interface Line {
  readonly text: string;
  readonly endsWithoutNewline: boolean;
}

interface Edit extends Line {
  readonly mark: ' ' | '-' | '+';
}

/** What `git diff` would write of one file: `--- a/…`, `+++ b/…` and hunks; for tests, of small texts. */
export function unifiedDiffOf(path: string, before: string | null, after: string | null, contextLines: number): string {
  const edits = editsOf(linesOf(before ?? ''), linesOf(after ?? ''));
  const names = [before === null ? '/dev/null' : `a/${path}`, after === null ? '/dev/null' : `b/${path}`];
  return `--- ${names.join('\n+++ ')}\n${hunkRanges(edits, contextLines)
    .map(([from, to]) => hunkText(edits, from, to))
    .join('')}`;
}

function linesOf(text: string): Line[] {
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  const ended = lines.map((line) => ({ text: line, endsWithoutNewline: false }));
  return last === '' ? ended : [...ended, { text: last, endsWithoutNewline: true }];
}

/** By the longest common subsequence. */
function editsOf(before: readonly Line[], after: readonly Line[]): Edit[] {
  const common = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  const lengthAt = (i: number, j: number): number => common[i]?.[j] ?? 0;
  const isSame = (i: number, j: number): boolean =>
    before[i]?.text === after[j]?.text && before[i]?.endsWithoutNewline === after[j]?.endsWithoutNewline;
  for (const [i, row] of [...common.entries()].reverse()) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      row[j] = isSame(i, j) ? lengthAt(i + 1, j + 1) + 1 : Math.max(lengthAt(i + 1, j), lengthAt(i, j + 1));
    }
  }
  const edits: Edit[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length;) {
    const [old, fresh] = [before[i], after[j]];
    if (old !== undefined && fresh !== undefined && isSame(i, j)) {
      edits.push({ ...old, mark: ' ' });
      i += 1;
      j += 1;
    } else if (old !== undefined && (fresh === undefined || lengthAt(i + 1, j) >= lengthAt(i, j + 1))) {
      edits.push({ ...old, mark: '-' });
      i += 1;
    } else if (fresh !== undefined) {
      edits.push({ ...fresh, mark: '+' });
      j += 1;
    }
  }
  return edits;
}

/** Changes with what stands around them; those that touch are one. */
function hunkRanges(edits: readonly Edit[], contextLines: number): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  edits.forEach(({ mark }, at) => {
    if (mark === ' ') return;
    const [from, to] = [Math.max(0, at - contextLines), Math.min(edits.length, at + 1 + contextLines)];
    const last = ranges.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else ranges.push([from, to]);
  });
  return ranges;
}

function hunkText(edits: readonly Edit[], from: number, to: number): string {
  const hunk = edits.slice(from, to);
  const sideOf = (mark: '-' | '+'): string => {
    const count = (some: readonly Edit[]): number => some.filter((one) => one.mark === ' ' || one.mark === mark).length;
    const lines = count(hunk);
    // A side without lines names the line before the hunk.
    return `${mark}${count(edits.slice(0, from)) + (lines === 0 ? 0 : 1)},${lines}`;
  };
  const lines = hunk.map(
    ({ mark, text, endsWithoutNewline }) =>
      `${mark}${text}\n${endsWithoutNewline ? '\\ No newline at end of file\n' : ''}`,
  );
  return `@@ ${sideOf('-')} ${sideOf('+')} @@\n${lines.join('')}`;
}
