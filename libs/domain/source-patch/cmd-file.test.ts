// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { namedFiles, parseCmdFile } from './cmd-file';

const saved = `cmd_fs/proc/x.o := gcc -Wp,-MMD,fs/proc/.x.o.d -DKBUILD_MODNAME='"x"' -DA='$$b$(pound)c' -c -o fs/proc/x.o fs/proc/x.c  ; ./tools/objtool/objtool --orc fs/proc/x.o

source_fs/proc/x.o := fs/proc/x.c

deps_fs/proc/x.o := \\
  include/linux/kconfig.h \\
    $(wildcard include/config/FOO) \\
  fs/proc/../internal.h \\
  ./include/linux/fs.h \\
  /usr/lib/gcc/x86_64-linux-gnu/12/include/stddef.h \\

fs/proc/x.o: $(deps_fs/proc/x.o)

$(deps_fs/proc/x.o):

fs/proc/x.o: $(wildcard ./tools/objtool/objtool)
`;

test('a saved command: unescaped, with its source and the files it read under one name each', () => {
  expect(parseCmdFile(saved)).toEqual({
    target: 'fs/proc/x.o',
    command: `gcc -Wp,-MMD,fs/proc/.x.o.d -DKBUILD_MODNAME='"x"' -DA='$b#c' -c -o fs/proc/x.o fs/proc/x.c  ; ./tools/objtool/objtool --orc fs/proc/x.o`,
    source: 'fs/proc/x.c',
    dependencies: [
      'include/linux/kconfig.h',
      'fs/internal.h',
      'include/linux/fs.h',
      '/usr/lib/gcc/x86_64-linux-gnu/12/include/stddef.h',
    ],
  });
});

test('later kernels call it savedcmd; archives have neither source nor dependencies', () => {
  expect(parseCmdFile(saved.replace('cmd_fs', 'savedcmd_fs'))?.target).toBe('fs/proc/x.o');
  expect(parseCmdFile('cmd_fs/built-in.a := ar cDPrST fs/built-in.a fs/open.o\n')).toEqual({
    target: 'fs/built-in.a',
    command: 'ar cDPrST fs/built-in.a fs/open.o',
    source: undefined,
    dependencies: [],
  });
  expect(parseCmdFile('')).toBeUndefined();
});

test('a generator names what it reads', () => {
  const command =
    'sh ./arch/x86/kernel/cpu/mkcapflags.sh arch/x86/kernel/cpu/capflags.c arch/x86/kernel/../include/asm/cpufeatures.h >x.o';
  expect(namedFiles(command)).toEqual([
    'arch/x86/kernel/cpu/mkcapflags.sh',
    'arch/x86/kernel/cpu/capflags.c',
    'arch/x86/include/asm/cpufeatures.h',
  ]);
});
