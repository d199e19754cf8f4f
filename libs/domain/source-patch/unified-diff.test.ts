// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseUnifiedDiff } from './unified-diff';

const oneLine = `--- a/fs/proc/x.c
+++ b/fs/proc/x.c
@@ -2,3 +2,4 @@ int f(void)
 one
-two
+2
+2.5
 three
`;

function reasonOf(diff: string): string {
  try {
    parseUnifiedDiff(diff);
  } catch (error) {
    if (error instanceof LockstepError && error.reason === 'diff-syntax') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a unified diff', () => {
  test('is read into files, hunks and lines', () => {
    expect(parseUnifiedDiff(oneLine)).toEqual([
      {
        oldPath: 'fs/proc/x.c',
        newPath: 'fs/proc/x.c',
        hunks: [
          {
            oldStart: 2,
            lines: [
              { kind: 'context', text: 'one', endsWithoutNewline: false },
              { kind: 'removed', text: 'two', endsWithoutNewline: false },
              { kind: 'added', text: '2', endsWithoutNewline: false },
              { kind: 'added', text: '2.5', endsWithoutNewline: false },
              { kind: 'context', text: 'three', endsWithoutNewline: false },
            ],
          },
        ],
      },
    ]);
  });

  test('may carry a commit message, git headers, time stamps and a mail signature', () => {
    const mail = `From: me\nSubject: a fix\n\n--- \ndiff --git a/f.c b/f.c\nindex 1..2 100644\n--- a/f.c\t2026-01-01 00:00:00\n+++ b/f.c\t2026-01-01 00:00:01\n@@ -1 +1 @@\n-a\n+b\n-- \n2.39.5\n`;
    const [file] = parseUnifiedDiff(mail);
    expect(file?.newPath).toBe('f.c');
    expect(file?.hunks[0]?.lines.map((line) => line.text)).toEqual(['a', 'b']);
  });

  test('what diff -N dates to the epoch, in any time zone, is not there', () => {
    const paths = (oldStamp: string, newStamp: string): (string | null)[] => {
      const [file] = parseUnifiedDiff(`--- a/x.h\t${oldStamp}\n+++ b/x.h\t${newStamp}\n@@ -1 +1 @@\n-y\n+x\n`);
      return [file!.oldPath, file!.newPath];
    };
    const now = '2026-11-23 04:05:45.612274065 +0000';
    expect(paths('1970-01-01 00:00:00.000000000 +0000', now)).toEqual([null, 'x.h']);
    expect(paths('1969-12-31 19:00:00.000000000 -0500', now)).toEqual([null, 'x.h']);
    expect(paths(now, '1970-01-01 05:30:00.000000000 +0530')).toEqual(['x.h', null]);
    expect(paths('1970-01-01 00:00:01.000000000 +0000', now)).toEqual(['x.h', 'x.h']);
  });

  test('creates from and deletes to /dev/null', () => {
    const [made, gone] = parseUnifiedDiff(
      '--- /dev/null\n+++ b/new.h\n@@ -0,0 +1 @@\n+x\n--- a/old.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-y\n',
    );
    expect([made?.oldPath, made?.newPath, gone?.oldPath, gone?.newPath]).toEqual([null, 'new.h', 'old.h', null]);
  });

  test('marks lines without a newline', () => {
    const [file] = parseUnifiedDiff('--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n');
    expect(file?.hunks[0]?.lines.map((line) => line.endsWithoutNewline)).toEqual([true, false]);
  });

  test.each([
    ['', /changes no file/],
    ['just words\n', /changes no file/],
    ['@@ -1 +1 @@\n-a\n+b\n', /without the "---" and "\+\+\+" lines/],
    ['--- a/f.c\n+++ b/f.c\n', /no hunk for f\.c/],
    ['--- f.c\n+++ f.c\n@@ -1 +1 @@\n-a\n+b\n', /no leading directory/],
    ['--- a/../f.c\n+++ b/../f.c\n@@ -1 +1 @@\n-a\n+b\n', /not a path inside the tree/],
    ['--- a/f.c\n+++ b/g.c\n@@ -1 +1 @@\n-a\n+b\n', /renames/],
    ['rename from f.c\nrename to g.c\n', /renames/],
    ['old mode 100644\nnew mode 100755\n', /mode changes/],
    ['GIT binary patch\n', /binary/],
    [
      '--- a/f.c\n+++ b/f.c\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n',
      /line 7.*starts at line 3 ends 1 old and 1 new lines early/,
    ],
    ['--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\n-a\n+b\n+c\n', /more lines than/],
    [oneLine + oneLine, /changed twice/],
  ])('%j is refused, saying why', (diff, why) => {
    expect(reasonOf(diff)).toMatch(why);
  });
});
