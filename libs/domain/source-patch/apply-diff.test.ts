// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { applyFileDiff } from './apply-diff';
import { parseUnifiedDiff, type FileDiff } from './unified-diff';

function only(diff: string): FileDiff {
  const [file] = parseUnifiedDiff(diff);
  if (file === undefined) throw new Error('no file');
  return file;
}

function apply(original: string | null, diff: string): string | null {
  return applyFileDiff(original, only(diff)).text;
}

function refusal(original: string | null, diff: string, reason = 'diff-does-not-apply'): Record<string, unknown> {
  try {
    apply(original, diff);
  } catch (error) {
    if (error instanceof LockstepError && error.reason === reason) return { ...error.fields };
    throw error;
  }
  throw new Error('it applied');
}

const header = '--- a/f.c\n+++ b/f.c\n';
const change = `${header}@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n`;

describe('applying a diff', () => {
  test('at its place', () => {
    expect(apply('a\nb\nc\nd\ne\n', change)).toBe('a\nb\nC\nd\ne\n');
  });

  test('at an offset, where that is the one other place', () => {
    expect(apply('1\n2\n3\na\nb\nc\nd\ne\n', change)).toBe('1\n2\n3\na\nb\nC\nd\ne\n');
    expect(apply('b\nc\nd\n', change)).toBe('b\nC\nd\n');
  });

  test('at its own line, however often its lines stand elsewhere', () => {
    expect(apply('a\nb\nc\nd\nb\nc\nd\n', change)).toBe('a\nb\nC\nd\nb\nc\nd\n');
  });

  test('never at the nearest of several: a block that stands twice may be another function', () => {
    const places = { file: 'f.c', hunk: 1, lines: ['1', '10'] };
    expect(refusal('b\nc\nd\n-\n-\n-\n-\n-\n-\nb\nc\nd\n', change, 'diff-ambiguous')).toEqual(places);
    expect(() => apply('b\nc\nd\n-\nb\nc\nd\n', change)).toThrow(
      /f\.c, hunk 1, fits at lines 1, 5, and not .*diff -U20/,
    );
  });

  test('where lines above were added the line number proves nothing any more, and each hunk must have one place', () => {
    const two = `${header}@@ -1,3 +1,3 @@\n 0\n-x\n+X\n 1\n@@ -4,3 +4,3 @@\n 2\n-y\n+Y\n z\n`;
    expect(apply('new\n0\nx\n1\n2\ny\nz\n', two)).toBe('new\n0\nX\n1\n2\nY\nz\n');
    expect(apply('0\nx\n1\n2\ny\nz\n2\ny\nz\n', two)).toBe('0\nX\n1\n2\nY\nz\n2\ny\nz\n');
    const places = { file: 'f.c', hunk: 2, lines: ['5', '8'] };
    expect(refusal('new\n0\nx\n1\n2\ny\nz\n2\ny\nz\n', two, 'diff-ambiguous')).toEqual(places);
  });

  test('hunks in any order', () => {
    const hunks = ['@@ -5,2 +5,2 @@\n-e\n+E\n f\n', '@@ -1,2 +1,3 @@\n a\n+new\n b\n'];
    expect(apply('a\nb\nc\nd\ne\nf\n', header + hunks.join(''))).toBe('a\nnew\nb\nc\nd\nE\nf\n');
    expect(apply('a\nb\nc\nd\ne\nf\n', header + hunks.reverse().join(''))).toBe('a\nnew\nb\nc\nd\nE\nf\n');
  });

  test('without context (-U0) only where its lines stand once, and never lines that are only added', () => {
    expect(apply('a\nb\nc\n', `${header}@@ -2 +2 @@\n-b\n+B\n`)).toBe('a\nB\nc\n');
    expect(refusal('b\nb\nc\n', `${header}@@ -2 +2 @@\n-b\n+B\n`, 'diff-ambiguous')).toMatchObject({
      lines: ['1', '2'],
    });
    expect(() => apply('a\nb\n', `${header}@@ -1,0 +2 @@\n+x\n`)).toThrow(
      /f\.c, hunk 1, adds lines .* \(-U0\).*git diff -U3/,
    );
    expect(apply('', `${header}@@ -0,0 +1 @@\n+x\n`)).toBe('x\n');
  });

  test('a hunk without context on one side stands where it says only if it stands nowhere else', () => {
    const cut = `${header}@@ -2,2 +2,3 @@\n b\n c\n+d\n`;
    expect(apply('a\nb\nc\n', cut)).toBe('a\nb\nc\nd\n');
    expect(apply('a\nb\nc\nx\n', cut)).toBe('a\nb\nc\nd\nx\n');
    expect(refusal('a\nb\nc\nb\nc\n', cut, 'diff-ambiguous')).toMatchObject({ lines: ['2', '4'] });
  });

  test('one context line that differs refuses it, and says what was found where', () => {
    expect(refusal('a\nb\nc\nD\ne\n', change)).toMatchObject({ hunk: 1, line: 4, expected: 'd', found: 'D' });
    expect(refusal('a\nb\n', change)).toEqual({
      file: 'f.c',
      hunk: 1,
      line: 3,
      expected: 'c',
      found: 'the end of the file',
      advice: '',
    });
  });

  test('a stale line of context is offered as --fuzz, and let in by that word alone, with what it met', () => {
    const stale = 'a\nb\nc\nD\ne\n';
    expect(() => apply(stale, change)).toThrow(
      'f.c, hunk 1, line 4: expected "d", found "D". It fits at line 2 but for one line of context: if that is the place, say so with --fuzz 1',
    );
    expect(applyFileDiff(stale, only(change), 1)).toEqual({
      text: 'a\nb\nC\nD\ne\n',
      staleContext: ['--fuzz 1 let it in: f.c, hunk 1, line 4: expected "d", found "D"'],
    });
  });

  test('fuzz finds the one place where fewest lines differ, forgives no line that is removed, and no half of a hunk', () => {
    const hunk = only(`${header}@@ -3,5 +3,5 @@\n 1\n 2\n-c\n+C\n 3\n 4\n`);
    const fuzzy = (source: string, fuzz: number): string | null => applyFileDiff(source, hunk, fuzz).text;
    expect(fuzzy('x\n2\nc\ny\n4\n-\n1\n2\nc\n3\nz\n', 2)).toBe('x\n2\nc\ny\n4\n-\n1\n2\nC\n3\nz\n');
    expect(() => fuzzy('x\n2\nc\n3\n4\n-\n1\n2\nc\n3\nz\n', 2)).toThrow(/fits at lines 1, 7/);
    expect(() => fuzzy('-\n1\n2\nd\n3\n4\n', 3)).toThrow(/expected "c", found "d"/);
    expect(() => fuzzy('-\nx\ny\nc\nz\n4\n', 3)).toThrow(/does not apply/);
    expect(fuzzy('2\nc\n3\n4\n', 1)).toBe('2\nC\n3\n4\n');
  });

  test('what is there already is said to be', () => {
    expect(refusal('a\nb\nC\nd\ne\n', change)).toMatchObject({
      advice: 'This tree has already what the hunk makes of it',
    });
  });

  test('what cannot be seen is shown', () => {
    const found = (line: string): string => {
      try {
        apply(`a\nb\n${line}\nd\n`, `${header}@@ -2,3 +2,3 @@\n b\n-\tx = 1;\n+C\n d\n`);
      } catch (error) {
        return (error as Error).message.replace(/.*expected/, '');
      }
      return '';
    };
    const unseen = '. They differ in what is not seen';
    expect(found('\tx = 1;\r')).toBe(` "\\tx = 1;", found "\\tx = 1;\\r"${unseen}`);
    expect(found('        x = 1;')).toBe(` "\\tx = 1;", found "\\x20{8}x = 1;"${unseen}`);
    expect(found('\tx = 1; ')).toBe(` "\\tx = 1;", found "\\tx = 1;\\x20"${unseen}`);
    expect(found('\tx\xc2\xa0= 1;')).toBe(` "\\tx = 1;", found "\\tx\\xa0= 1;"${unseen}`);
    expect(found('\tx = 2;')).toBe(' "\tx = 1;", found "\tx = 2;"');
  });

  test('white space counts', () => {
    expect(refusal('a\nb\n c\nd\n', change)).toMatchObject({ expected: 'c', found: ' c' });
  });

  test('the second hunk is named when the first one fits', () => {
    const two = `${header}@@ -1,2 +1,2 @@\n-a\n+A\n b\n@@ -5,1 +5,1 @@\n-nowhere\n+X\n`;
    expect(refusal('a\nb\nc\nd\ne\n', two)).toMatchObject({ hunk: 2, line: 5, expected: 'nowhere', found: 'e' });
  });

  test('created and deleted files', () => {
    const creating = '--- /dev/null\n+++ b/n.h\n@@ -0,0 +1,2 @@\n+one\n+two\n';
    const deleting = '--- a/n.h\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n';
    expect(apply(null, creating)).toBe('one\ntwo\n');
    expect(apply('one\ntwo\n', deleting)).toBeNull();
    expect(refusal('old\n', creating)).toMatchObject({ found: 'the file exists in this tree' });
    expect(refusal(null, deleting)).toMatchObject({ found: 'no such file in this tree' });
    expect(refusal('one\ntwo\nthree\n', deleting)).toMatchObject({ expected: 'the end of the file' });
  });

  test('the newline at the end of the file is part of it', () => {
    const drop = `${header}@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n`;
    const add = `${header}@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n`;
    expect(apply('a\n', drop)).toBe('a');
    expect(apply('a', add)).toBe('a\n');
    expect(refusal('a', drop)).toMatchObject({ found: 'a (no newline at end of file)' });
  });

  test('any edit of any file, as a diff with any context, gives the edited file', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', '', '\t}'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        lines,
        lines,
        fc.nat(12),
        fc.nat(4),
        fc.integer({ min: 1, max: 3 }),
        (before, added, at, removed, context) => {
          const from = Math.min(at, before.length);
          const to = Math.min(from + removed, before.length);
          const start = Math.max(0, from - context);
          const end = Math.min(before.length, to + context);
          fc.pre(end > start && (from > start || to < end));
          const body = [
            ...before.slice(start, from).map((line) => ` ${line}`),
            ...before.slice(from, to).map((line) => `-${line}`),
            ...added.map((line) => `+${line}`),
            ...before.slice(to, end).map((line) => ` ${line}`),
          ];
          const counts = `@@ -${start + 1},${end - start} +${start + 1},${end - start - (to - from) + added.length} @@`;
          const after = [...before.slice(0, from), ...added, ...before.slice(to)];
          expect(apply(`${before.join('\n')}\n`, `${header}${counts}\n${body.join('\n')}\n`)).toBe(
            `${after.join('\n')}\n`,
          );
        },
      ),
    );
  });
});
