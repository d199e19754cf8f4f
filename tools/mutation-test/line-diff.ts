// SPDX-License-Identifier: GPL-2.0-only

const contextLines = 3;

/**
 * A `-p1` diff that puts `text` in the place of one line.
 * @param lines the file, split at its newlines
 * @param at the line's index
 */
export function lineDiff(file: string, lines: readonly string[], at: number, text: string): string {
  const first = Math.max(0, at - contextLines);
  const before = lines.slice(first, at).map((line) => ` ${line}`);
  // What split leaves behind the last newline is no line.
  const end = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  const after = lines.slice(at + 1, Math.min(at + 1 + contextLines, end)).map((line) => ` ${line}`);
  const count = before.length + 1 + after.length;
  const head = [`--- a/${file}`, `+++ b/${file}`, `@@ -${first + 1},${count} +${first + 1},${count} @@`];
  return [...head, ...before, `-${lines[at] ?? ''}`, `+${text}`, ...after, ''].join('\n');
}
