// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { filesThatMatter } from './change-classes';
import { makeDependencyIndex, objectsThatRead } from './dependency-index';

const index = makeDependencyIndex(
  [
    { path: 'fs/b.o', source: 'fs/b.c', object: 'vmlinux', dependencies: ['include/x.h', '/usr/include/stddef.h'] },
    { path: 'fs/a.o', source: 'fs/a.c', object: 'vmlinux', dependencies: ['include/x.h', 'include/y.h'] },
    { path: 'kernel/bounds.s', source: 'kernel/bounds.c', object: null, dependencies: ['include/y.h'] },
  ],
  { 'include/flags.h': 'kernel/flags.c' },
);

function classify(oldPath: string | null, newPath: string | null): string[] | string {
  try {
    return filesThatMatter([{ oldPath, newPath, hunks: [] }], index);
  } catch (error) {
    if (error instanceof LockstepError && error.reason === 'unsupported-change') return error.message;
    throw error;
  }
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
  expect(classify('Documentation/x.rst', 'Documentation/x.rst')).toEqual([]);
  expect(classify('tools/testing/x.c', 'tools/testing/x.c')).toEqual([]);
});

test.each([
  ['fs/Kconfig', 'fs/Kconfig', /Kconfig/],
  ['fs/proc/Makefile', 'fs/proc/Makefile', /makefile/],
  ['scripts/mod/modpost.c', 'scripts/mod/modpost.c', /build tools/],
  ['arch/x86/entry/entry_64.S', 'arch/x86/entry/entry_64.S', /assembly/],
  ['arch/x86/x.tbl', 'arch/x86/x.tbl', /only \.c and \.h/],
  [null, 'fs/new.c', /new source file/],
  ['fs/a.c', null, /cannot be deleted/],
  ['include/flags.h', 'include/flags.h', /generates kernel\/flags\.c/],
])('%s to %s is refused', (oldPath, newPath, why) => {
  expect(classify(oldPath, newPath)).toMatch(why);
});
