// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseUnifiedDiff } from '@lockstep/domain/source-patch';
import { inShort } from './narrator';
import { addedLine } from './patches';

const source = 'one\n\ttwo();\nthree\nfour\nfive\n';

test('a diff that adds a line adds it after the line that was named, and nothing else', () => {
  const text = addedLine('fs/x.c', source, 'two();', '\tnew();');
  expect(text).toBe('--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1,5 +1,6 @@\n one\n \ttwo();\n+\tnew();\n three\n four\n five\n');
  expect(parseUnifiedDiff(text).map(({ newPath }) => newPath)).toEqual(['fs/x.c']);
});

test('a line that is not there, or is there twice, is no place', () => {
  expect(() => addedLine('fs/x.c', source, 'six', '')).toThrow('has 0 lines "six"');
  expect(() => addedLine('fs/x.c', 'a\nb\na\n', 'a', '')).toThrow('has 2 lines "a"');
});

test('a long output is told in short, and how much of it is left', () => {
  expect(inShort(`${'x'.repeat(200)}\n\nb\nc\nd\n`, 2)).toEqual([`${'x'.repeat(149)}…`, 'b', '… 2 more lines']);
  expect(inShort('a\n')).toEqual(['a']);
});
