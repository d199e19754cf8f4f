// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { addedLines } from './added-lines';

const header = 'From: x\n+ is no list here\n---\n';

test('counts added lines, empty ones too, but not the names of files', () => {
  expect(addedLines(`${header}--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n kept\n-old\n+new\n+\n`)).toBe(2);
  expect(addedLines('')).toBe(0);
});

test('counts lines that look like the names of files', () => {
  expect(addedLines(`${header}--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n--- old\n kept\n+++ new\n+more\n`)).toBe(2);
});

test('does not count what a patch adds as a new file', () => {
  const added = '--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+one\n+two\n';
  expect(addedLines(`${header}${added}`)).toBe(0);
  expect(addedLines(`${header}${added}--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n kept\n+three\n`)).toBe(1);
});
