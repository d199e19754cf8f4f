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
  return applyFileDiff(original, only(diff));
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
    const two = `${header}@@ -1,1 +1,1 @@\n-x\n+X\n@@ -3,1 +3,1 @@\n-y\n+Y\n`;
    expect(apply('new\nx\n-\ny\nz\n', two)).toBe('new\nX\n-\nY\nz\n');
    expect(apply('x\n-\ny\ny\n', two)).toBe('X\n-\nY\ny\n');
    expect(refusal('new\nx\ny\ny\n', two, 'diff-ambiguous')).toEqual({ file: 'f.c', hunk: 2, lines: ['3', '4'] });
    const insertion = `${header}@@ -1,1 +1,1 @@\n-x\n+X\n@@ -2,0 +3,1 @@\n+y\n`;
    expect(apply('x\n-\n', insertion)).toBe('X\n-\ny\n');
    expect(refusal('new\nx\n-\n', insertion, 'diff-ambiguous')).toMatchObject({ hunk: 2 });
  });

  test('no fuzz: one context line that differs refuses it, and says what was found where', () => {
    expect(refusal('a\nb\nc\nD\ne\n', change)).toEqual({ file: 'f.c', hunk: 1, line: 4, expected: 'd', found: 'D' });
    expect(refusal('a\nb\n', change)).toEqual({
      file: 'f.c',
      hunk: 1,
      line: 3,
      expected: 'c',
      found: 'the end of the file',
    });
  });

  test('white space counts', () => {
    expect(refusal('a\nb\n c\nd\n', change)).toMatchObject({ expected: 'c', found: ' c' });
  });

  test('the second hunk is named when the first one fits', () => {
    const two = `${header}@@ -1,1 +1,1 @@\n-a\n+A\n@@ -5,1 +5,1 @@\n-nowhere\n+X\n`;
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
      fc.property(lines, lines, fc.nat(12), fc.nat(4), fc.nat(3), (before, added, at, removed, context) => {
        const from = Math.min(at, before.length);
        const to = Math.min(from + removed, before.length);
        const start = Math.max(0, from - context);
        const end = Math.min(before.length, to + context);
        fc.pre(end > start);
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
      }),
    );
  });
});
