// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { SavedCommand } from './cmd-file';
import {
  delayedObjtool,
  objtoolStep,
  readEnabledOptions,
  recordsTypes,
  withNamesKept,
  withSectionFlags,
} from './replay';

const plain: SavedCommand = {
  target: 'a/b.o',
  command: 'gcc -O2 -c -o a/b.o a/b.c',
  source: 'a/b.c',
  dependencies: [],
};
const enabled = readEnabledOptions(
  'CONFIG_STACK_VALIDATION=y\nCONFIG_UNWINDER_ORC=y\nCONFIG_RETPOLINE=y\nCONFIG_X=m\n# CONFIG_SLS is not set\n',
);
const use = { enabledOptions: enabled, delayedObjtool: null };
const builtIn = { isModule: false, hasOrcData: true };
const inModule = { isModule: true, hasOrcData: true };
const untouched = { isModule: false, hasOrcData: false };

test('the section flags go before the output, objtool stays behind it', () => {
  const command = `${plain.command} ; ./tools/objtool/objtool --orc a/b.o`;
  expect(withSectionFlags({ ...plain, command })).toBe(
    'gcc -O2 -ffunction-sections -fdata-sections -c -o a/b.o a/b.c ; ./tools/objtool/objtool --orc a/b.o',
  );
});

test('names that share a section are kept between the compiler and objtool, and end local', () => {
  const command = `${plain.command} ; ./tools/objtool/objtool --orc a/b.o`;
  const kept = withNamesKept({ ...plain, command }, ['one', 'two.1'], 'a/b.o.list');
  expect(kept).toContain("printf '.globl %s\\n' one two.1 >a/b.o.list.s; gcc -O2");
  expect(kept).toContain(' -Wa,-mshared,a/b.o.list.s -c -o a/b.o a/b.c;');
  expect(kept).toMatch(
    /; objcopy --localize-symbols=a\/b\.o\.list a\/b\.o; rm -f .* ; \.\/tools\/objtool\/objtool --orc/,
  );
  expect(withNamesKept({ ...plain, command }, [], 'a/b.o.list')).toBe(withSectionFlags({ ...plain, command }));
});

test('clang is told of names in C', () => {
  const kept = withNamesKept({ ...plain, command: 'clang-14 -O2 -c -o a/b.o a/b.c' }, ['one'], 'a/b.o.list');
  expect(kept).toContain(`printf 'asm(".globl %s");\\n' one >a/b.o.list.h; clang-14 -O2`);
  expect(kept).toContain(' -include ./a/b.o.list.h -c -o a/b.o');
});

test('where the build had debug information, the replay has that of which types are read, and no second compile needs to', () => {
  const vendor = { ...plain, command: 'gcc -O2 -g -c -o a/b.o a/b.c' };
  expect(withNamesKept(vendor, [], 'list')).toBe(
    'gcc -O2 -g -ffunction-sections -fdata-sections -g -gdwarf-4 -gno-split-dwarf -gz=none -fno-var-tracking -c -o a/b.o a/b.c',
  );
  expect(withNamesKept(vendor, ['one'], 'list')).toContain(
    ' -gdwarf-4 -gno-split-dwarf -gz=none -fno-var-tracking -Wa,',
  );
  expect(recordsTypes(vendor)).toBe(true);
  for (const command of [
    plain.command,
    'gcc -O2 -g0 -c -o a/b.o a/b.c',
    'gcc -O2 -gz=zlib -c -o a/b.o a/b.c',
    'gcc -g -femit-struct-debug-baseonly -c -o a/b.o a/b.c',
    'clang-14 -g -c -o a/b.o a/b.c',
  ]) {
    const saved = { ...plain, command };
    expect(recordsTypes(saved)).toBe(false);
    expect(withNamesKept(saved, [], 'list')).toBe(withSectionFlags(saved));
  }
});

test('what is not a plain compile is refused', () => {
  expect(() => withSectionFlags({ ...plain, command: 'ld -r -o a/b.o a/c.o' })).toThrow(LockstepError);
});

test('before 5.19 objtool is called as that kernel does it', () => {
  expect(objtoolStep(plain, use, builtIn)).toBe(' ; ./tools/objtool/objtool orc generate --no-fp --retpoline a/b.o');
  expect(objtoolStep(plain, use, inModule)).toContain('--module');
});

test('objtool is not called where kbuild did not, or where the saved command does', () => {
  expect(objtoolStep(plain, use, untouched)).toBe('');
  expect(objtoolStep(plain, { ...use, enabledOptions: new Set() }, builtIn)).toBe('');
  expect(objtoolStep({ ...plain, command: 'gcc ; ./tools/objtool/objtool --orc a/b.o' }, use, builtIn)).toBe('');
});

test('where objtool ran on vmlinux only, an object gets what vmlinux got, but for the checks of the whole', () => {
  const saved =
    'cmd_vmlinux.o := ld -r -o vmlinux.o  --whole-archive vmlinux.a ; ./tools/objtool/objtool --hacks=jump_label --ibt --orc --uaccess --noinstr  --unret --link  vmlinux.o';
  const delayed = delayedObjtool(saved);
  expect(delayed).toBe('--hacks=jump_label --orc --uaccess');
  const step = (isModule: boolean) =>
    objtoolStep(plain, { ...use, delayedObjtool: delayed }, { isModule, hasOrcData: false });
  expect(step(false)).toBe(' ; ./tools/objtool/objtool --hacks=jump_label --orc --uaccess a/b.o');
  expect(step(true)).toBe(' ; ./tools/objtool/objtool --hacks=jump_label --orc --uaccess --module a/b.o');
  expect(delayedObjtool(saved.replace('--ibt', ''))).toBeNull();
  expect(delayedObjtool('')).toBeNull();
});
