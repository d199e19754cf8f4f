// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { classifyChanges } from './change-classes';
import { makeDependencyIndex, objectsThatRead } from './dependency-index';

const index = makeDependencyIndex(
  [
    { path: 'fs/b.o', source: 'fs/b.c', object: 'vmlinux', dependencies: ['include/x.h', '/usr/include/stddef.h'] },
    { path: 'fs/a.o', source: 'fs/a.c', object: 'vmlinux', dependencies: ['include/x.h', 'include/y.h'] },
    { path: 'arch/x86/entry.o', source: 'arch/x86/entry.S', object: 'vmlinux', dependencies: [] },
    { path: 'kernel/bounds.s', source: 'kernel/bounds.c', object: null, dependencies: ['include/y.h'] },
  ],
  { 'include/flags.h': 'kernel/flags.c' },
);

function classify(oldPath: string | null, newPath: string | null): string[] | string {
  const { files, makeReasons } = classifyChanges([{ oldPath, newPath, isCopy: false, commit: 0, hunks: [] }], index);
  return makeReasons.length > 0 ? makeReasons.join() : files;
}

test('the objects that read a file, headers too, in path order', () => {
  const paths = (...files: string[]): string[] => objectsThatRead(index, files).map(({ path }) => path);
  expect(paths('fs/b.c')).toEqual(['fs/b.o']);
  expect(paths('include/x.h')).toEqual(['fs/a.o', 'fs/b.o']);
  expect(paths('include/y.h', 'fs/b.c')).toEqual(['fs/a.o', 'fs/b.o', 'kernel/bounds.s']);
  expect(paths('drivers/none.c', 'constructor')).toEqual([]);
});

test('what can be compiled passes, what changes no code is left out', () => {
  expect(classify('fs/a.c', 'fs/a.c')).toEqual(['fs/a.c']);
  expect(classify(null, 'include/new.h')).toEqual(['include/new.h']);
  expect(classify(null, 'fs/new.c')).toEqual(['fs/new.c']);
  expect(classify('arch/x86/entry.S', 'arch/x86/entry.S')).toEqual(['arch/x86/entry.S']);
  expect(classify(null, 'fs/x.h')).toEqual(['fs/x.h', 'include/x.h']);
  expect(classify('Documentation/x.rst', 'Documentation/x.rst')).toEqual([]);
  expect(classify('tools/testing/x.c', 'tools/testing/x.c')).toEqual([]);
});

test.each([
  ['fs/Kconfig', 'fs/Kconfig', /Kconfig/],
  ['fs/proc/Makefile', 'fs/proc/Makefile', /makefile/],
  ['scripts/mod/modpost.c', 'scripts/mod/modpost.c', /build tools/],
  ['arch/x86/other.S', 'arch/x86/other.S', /not known/],
  ['arch/x86/x.tbl', 'arch/x86/x.tbl', /not known/],
  ['fs/a.c', null, /is deleted/],
  ['include/flags.h', 'include/flags.h', /generates kernel\/flags\.c/],
])('%s to %s needs make', (oldPath, newPath, why) => {
  expect(classify(oldPath, newPath)).toMatch(why);
});
