// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { diffLines } from './diff-lines';

const diff = `--- a/fs/proc/meminfo.c
+++ b/fs/proc/meminfo.c
@@ -10,3 +10,4 @@ static int show(void)
 	int a;
-	return 0;
+	a = 1;
+	return a;
 }
--- a/fs/proc/loadavg.c
+++ b/fs/proc/loadavg.c
@@ -1 +1 @@
-- old
++ new
`;

test('each line has its kind, its text and its number in the files', () => {
  expect(diffLines(diff).map(({ kind, before, after }) => `${kind} ${before ?? '-'} ${after ?? '-'}`)).toEqual([
    ...[
      'file - -',
      'file - -',
      'hunk - -',
      'context 10 10',
      'removed 11 -',
      'added - 11',
      'added - 12',
      'context 12 13',
    ],
    ...['file - -', 'file - -', 'hunk - -', 'removed 1 -', 'added - 1'],
  ]);
});

test('a line that begins like a header is what it is inside of a hunk', () => {
  expect(diffLines(diff).at(-2)).toMatchObject({ kind: 'removed', text: '- old' });
});

test('what is no diff is shown as it is', () => {
  expect(diffLines('meminfo_proc_show').map(({ kind, text }) => [kind, text])).toEqual([['file', 'meminfo_proc_show']]);
});
