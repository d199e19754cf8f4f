// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { addedLines } from './added-lines';

test('counts added lines, empty ones too, but not the names of files', () => {
  const patch = 'From: x\n+ is no list here\n---\n--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n kept\n-old\n+new\n+\n';
  expect(addedLines(patch.replace('+ is', ' is'))).toBe(2);
  expect(addedLines('')).toBe(0);
});
