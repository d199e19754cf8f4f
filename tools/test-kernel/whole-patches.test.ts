// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { parseUnifiedDiff, pathOf } from '@lockstep/domain/source-patch';
import { readFilesByPatch, wholePatches } from './whole-patches';

const dir = path.resolve(__dirname, '../../kernel-livepatch');

test.each(['5.15', '6.1'])('the series of %s has each of our files in the patch that needs it', (version) => {
  const patches = wholePatches(dir, version);
  const added = patches.map(({ text }) => parseUnifiedDiff(text).filter(({ oldPath }) => oldPath === null));
  const paths = added.flat().map(pathOf);
  expect(paths).toContain('kernel/livepatch/scan.c');
  expect(new Set(paths).size).toBe(paths.length);
  // What the Makefile builds comes with the patch that tells it to, and what it includes of ours has come by then.
  const known = new Set<string>();
  for (const { text } of patches) {
    for (const file of parseUnifiedDiff(text).map(pathOf)) known.add(file);
    const told = text.split('\n').filter((line) => line.startsWith('+livepatch-'));
    for (const [, name = ''] of told.join(' ').matchAll(/(\w+)\.o\b/g)) {
      // Those that stock kernels have are in the first line.
      expect(known).toContain(`kernel/livepatch/${name}.c`);
    }
    const ours = new Set(paths.filter((file) => file.endsWith('.h')).map((file) => path.basename(file)));
    for (const [, name = ''] of text.matchAll(/^\+#include "(\w+\.h)"$/gm)) {
      if (ours.has(name)) expect(known).toContain(`kernel/livepatch/${name}`);
    }
  }
});

test('refuses a list that names a file twice, or none of the patches', () => {
  expect(readFilesByPatch('# why\n\none\n  a.c\n  a.h\ntwo\n')).toEqual(
    new Map([
      ['one', ['a.c', 'a.h']],
      ['two', []],
    ]),
  );
  expect(() => readFilesByPatch('one\n  a.c\ntwo\n  a.c\n')).toThrow('names a.c twice');
  expect(() => readFilesByPatch('  a.c\n')).toThrow('names no patch for a.c');
});
