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
        isCopy: false,
        commit: 0,
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

  test('may be a part of a mail (git format-patch --attach)', () => {
    const boundary = '------------2.39.5';
    const head = `From: me\nContent-Type: multipart/mixed; boundary="${boundary}"\n\n\n--${boundary}\nContent-Type: text/x-patch; name="x"\n\n`;
    expect(parseUnifiedDiff(`${head}${oneLine}\n--${boundary}--\n\n\n`)).toEqual(parseUnifiedDiff(oneLine));
    expect(reasonOf(`${oneLine}\n--${boundary}--\n\n\n`)).toMatch(/more lines than the hunk header/);
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

  test('modes are passed over, where there is more to a file and where there is not', () => {
    const modes = 'diff --git a/a.sh b/a.sh\nold mode 100644\nnew mode 100755\n';
    expect(parseUnifiedDiff(`${modes}index 1..2\n--- a/a.sh\n+++ b/a.sh\n@@ -1 +1 @@\n-a\n+b\n`)).toHaveLength(1);
    expect(parseUnifiedDiff(modes + oneLine).map(({ newPath }) => newPath)).toEqual(['fs/proc/x.c']);
  });

  test('names as git quotes them, and names without a prefix, are what they say', () => {
    const paths = (names: string): (string | null)[] => {
      const [file] = parseUnifiedDiff(`${names}\n@@ -1 +1 @@\n-a\n+b\n`);
      return [file!.oldPath, file!.newPath];
    };
    const quoted = '"a/Documentation/caf\\303\\251 \\"x\\".c"';
    const name = 'Documentation/caf\u00e9 "x".c';
    expect(paths(`--- ${quoted}\n+++ ${quoted}`)).toEqual([name, name]);
    expect(paths('diff --git fs/x.c fs/x.c\nindex 1..2 100644\n--- fs/x.c\n+++ fs/x.c')).toEqual(['fs/x.c', 'fs/x.c']);
    expect(paths('diff --git x y.c x y.c\n--- x y.c\n+++ x y.c')).toEqual(['x y.c', 'x y.c']);
    expect(paths('diff --git i/fs/x.c w/fs/x.c\n--- i/fs/x.c\n+++ w/fs/x.c')).toEqual(['fs/x.c', 'fs/x.c']);
    expect(paths('diff --git n.h n.h\nnew file mode 100644\n--- /dev/null\n+++ n.h')).toEqual([null, 'n.h']);
  });

  test('renames and copies, with hunks and without, and empty files', () => {
    const moved = 'diff --git a/f.c b/g.c\nsimilarity index 90%\nrename from f.c\nrename to g.c\n';
    const hunk = '--- a/f.c\n+++ b/g.c\n@@ -1 +1 @@\n-a\n+b\n';
    const copied = 'diff --git a/f.c b/h.c\nsimilarity index 100%\ncopy from f.c\ncopy to h.c\n';
    const empty = 'diff --git a/e.h b/e.h\nnew file mode 100644\nindex 0000000..e69de29\n';
    const files = parseUnifiedDiff(moved + hunk + copied + empty);
    expect(files.map(({ oldPath, newPath, isCopy, hunks }) => [oldPath, newPath, isCopy, hunks.length])).toEqual([
      ['f.c', 'g.c', false, 1],
      ['f.c', 'h.c', true, 0],
      [null, 'e.h', false, 0],
    ]);
  });

  test('mails and commits follow one another; what a message quotes does not count', () => {
    const id = '0123456789012345678901234567890123456789';
    const mail = (number: number): string =>
      `From ${id} Mon Sep 17 00:00:00 2001\nSubject: [PATCH ${number}/2]\n\ncommit ${id} upstream.\n\n---\n f.c | 2 +-\n\n${oneLine}-- \n2.39.5\n\n`;
    expect(parseUnifiedDiff(mail(1) + mail(2)).map(({ commit }) => commit)).toEqual([0, 1]);
  });

  test('pasted without its last newline it says the same, where its last line is one of the tree', () => {
    expect(parseUnifiedDiff(oneLine.trimEnd())).toEqual(parseUnifiedDiff(oneLine));
  });

  test('behind a hunk a mail may go on, and behind a file prose of any kind', () => {
    const ends = [
      '-- \n2.39.5\n',
      '\n---\nBest\n',
      '\n\nThanks,\n- me\n',
      '\n  - a note\nof mine\n',
      '```\n+1\n',
      ' \n\n',
    ];
    for (const end of ends) expect(parseUnifiedDiff(oneLine + end)).toEqual(parseUnifiedDiff(oneLine));
    const script = '\ncommit 1\n\n@@\nexpression E;\n@@\n-f(E)\n+g(E)\n';
    expect(parseUnifiedDiff(oneLine + script + oneLine.replaceAll('x.c', 'y.c'))).toHaveLength(2);
  });

  test('a mailer that ended every line with CR LF changed nothing; CR LF of the sources is theirs', () => {
    expect(parseUnifiedDiff(oneLine.replaceAll('\n', '\r\n'))).toEqual(parseUnifiedDiff(oneLine));
    const [file] = parseUnifiedDiff('--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\n-a\r\n+b\r\n');
    expect(file?.hunks[0]?.lines.map((line) => line.text)).toEqual(['a\r', 'b\r']);
  });

  test.each([
    [`${oneLine}diff --git a/g.c b/g.c\n`, /line 10: the changes of the file .* are not there \(truncated/],
    [`${oneLine}diff --git a/g.c b/g.c\nindex 12..34 100644\n`, /line 11: .* are not there/],
    [`${oneLine}diff --git a/g.c b/g.c\nindex 12..34 100644\n--- a/g.c\n`, /are not there/],
    [`${oneLine}diff --git a/g.c b/g.c\nold mode 100644\n`, /are not there/],
    [`${oneLine}diff --git a/g.c b/g.c\nold mode 100644\nnew mode 100755\nindex 12..34\n`, /are not there/],
    [`${oneLine}diff --git a/g.c b/h.c\nrename from g.c\n`, /are not there/],
    [`${oneLine}diff --git a/g.c b/h.c\nrename from g.c\nrename to h.c\nindex 12..34 100644\n`, /are not there/],
    [`${oneLine}diff --git a/g.c b/g.c\nnew file mode 100644\nindex 00000000..12345678\n`, /are not there/],
    [`${oneLine}diff --git a/g.c b/g.c\ndeleted file mode 100644\nindex 12..00\n`, /are not there/],
    ['diff --git a/g.c b/g.c\nindex 1..2\nx\n--- a/g.c\n+++ b/g.c\n@@ -1 +1 @@\n-a\n+b\n', /line 3: .* are not there/],
    [
      'diff --git a/g.c b/g.c\nnew file mode 100644\n--- a/g.c\n+++ b/g.c\n@@ -1 +1 @@\n-a\n+b\n',
      /g\.c is new by its header, and not by the names of its hunks/,
    ],
    ['diff --git a/g.c b/g.c\n--- /dev/null\n+++ b/g.c\n@@ -0,0 +1 @@\n+b\n', /g\.c is there by its header/],
    [
      'diff --git a/g.c b/h.c\nrename from g.c\nrename to h.c\n--- a/g.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n',
      /another name than "rename"/,
    ],
    [`${oneLine} four\n-five\n+5\n`, /line 10: more lines than the hunk header announces/],
    [`${oneLine}@@-5,2 +5,2 @@\n-five\n+5\n`, /line 9: more lines than/],
    [`${oneLine} @@ -5,2 +5,2 @@\n-five\n+5\n`, /line 9: more lines than/],
    [`${oneLine}\n\n-five\n`, /line 11: more lines than/],
    ['--- a/f.c\n+++ b/f.c\n@@ -1,2 +1,2 @@\n a\n b\n', /line 5: a hunk that changes nothing/],
    ['--- a/f.c\n+++ b/f.c\n@@ -1 +1,2 @@\n a\n+int x = 1', /line 5: it ends in the middle of a line/],
    ['', /changes no file/],
    ['just words\n', /changes no file/],
    ['@@ -1 +1 @@\n-a\n+b\n', /without the "---" and "\+\+\+" lines/],
    ['--- a/f.c\n+++ b/f.c\n', /no hunk for f\.c/],
    ['--- f.c\n+++ f.c\n@@ -1 +1 @@\n-a\n+b\n', /no leading directory/],
    ['--- a/../f.c\n+++ b/../f.c\n@@ -1 +1 @@\n-a\n+b\n', /not a path inside the tree/],
    ['--- a/f.c\n+++ b/g.c\n@@ -1 +1 @@\n-a\n+b\n', /only read as git writes it/],
    ['diff --git a/f.sh b/f.sh\nold mode 100644\nnew mode 100755\n', /only modes of files/],
    ['diff --git a/l b/l\nnew file mode 120000\n', /line 2: mode 120000 makes it a link/],
    ['GIT binary patch\n', /binary/],
    [
      '--- a/f.c\n+++ b/f.c\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n',
      /line 7.*starts at line 3 ends 1 old and 1 new lines early/,
    ],
    ['--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\n-a\n+b\n+c\n', /more lines than/],
    [
      'diff --cc f.c\nindex 1,2..3\n--- a/f.c\n+++ b/f.c\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n -b\n++c\n',
      /combined diff of a merge.*MERGE\^1/,
    ],
    ['commit 1\nMerge: 0123abc 4567def\nAuthor: me\n\n    Merge\n', /a merge, of which git shows no diff/],
    ['\xff\xfe-\0-\0-\0', /UTF-16.*--output/],
    ['\x1b[1m--- a/f.c\x1b[m\n', /line 1: it has colours.*--no-color/],
    [`Content-Transfer-Encoding: quoted-printable\n\n${oneLine}`, /a mail in quoted-printable.*git am/],
    ['Content-Transfer-Encoding: base64\n\nZGlmZg==\n', /a mail in base64/],
    ['*** a/f.c\t1\n--- b/f.c\t2\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n', /a context diff.*diff -u/],
    ['3c3\n< a\n---\n> b\n', /without context.*diff -u/],
    [oneLine.replaceAll(/^/gm, '> '), /it is quoted/],
    [' fs/f.c | 1 +\n 1 file changed, 1 insertion(+)\n', /summary of a diff alone/],
  ])('%j is refused, saying why', (diff, why) => {
    expect(reasonOf(diff)).toMatch(why);
  });
});
