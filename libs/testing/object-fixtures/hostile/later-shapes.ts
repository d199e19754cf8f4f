// SPDX-License-Identifier: GPL-2.0-only
import { created, ended, inHeader, inKconfig, inMake, inSource, type HostileShape } from './hostile-shapes';

// Thought of after the others were held: what lies in the tree itself and is nobody's business, names and headers that no tool
// writes, options that a source gives its compiler, and small texts that grow.

const key = 'certs/signing_key.pem';
const times = (count: number, text: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => text(n)).join('\n');

const keyOfTheKernel: HostileShape[] = [
  inSource('.incbin of the key that signs the modules', `asm(".incbin \\"${key}\\"");`, /^compile-failed$/),
  inSource('#include of that key, for the message', `#include "../${key}"`, /^compile-failed$/),
  inSource('.include of that key, for the message', `asm(".include \\"${key}\\"");`, /^compile-failed$/),
  inSource('#line into that key, for the message', `#line 1 "${key}"\nwrong wrong wrong;`, /^compile-failed$/),
  inHeader(
    'that key by a search path of the assembler',
    'asm(".incbin \\"../certs/../certs/signing_key.pem\\"");',
    /^compile-failed$/,
  ),
  inMake(
    'prints the key that signs the modules',
    () => `cat ${key} */*.pem; find . -name '*.pem' | xargs cat; exit 1`,
    ended,
  ),
  inMake('builds that key in', () => `cp ${key} fs/key.h; cat fs/key.h >&2; exit 1`, ended),
  inKconfig('$(file) of that key', () => `$(info $(file <${key}))\n$(error end)`, ended),
];

const waysRound: HostileShape[] = [
  inSource(
    '#include through the root of a process',
    ({ secretFile }) => `#include "/proc/self/root${secretFile}"`,
    /^compile-failed$/,
  ),
  inSource(
    '#include through its folder',
    ({ secretFile }) => `#include "/proc/self/cwd/${'../'.repeat(24)}${secretFile.slice(1)}"`,
    /^compile-failed$/,
  ),
  inSource(
    '.incbin through a thread',
    ({ secretFile }) => `asm(".incbin \\"/proc/self/task/1/root${secretFile}\\"");`,
    /^compile-failed$/,
  ),
  inSource('#include of the standard input', '#include "/dev/stdin"', /^compile-failed$|^built$/),
  inSource('#include of a terminal', '#include "/dev/tty"', /^compile-failed$/),
  inSource('.incbin of the kernel’s symbols', 'asm(".incbin \\"/proc/kcore\\"");', /^compile-failed$|^limit-exceeded/),
  inSource(
    '.incbin of the disks',
    'asm(".incbin \\"/sys/block/vda/serial\\"\\n.incbin \\"/proc/mounts\\"");',
    /^compile-failed$/,
  ),
  inSource(
    '#include with slashes and dots',
    ({ secretFile }) => `#include "//./${secretFile.slice(1).replaceAll('/', '/./')}"`,
    /^compile-failed$/,
  ),
  inSource('#embed', ({ secretFile }) => `const char e[] = {\n#embed "${secretFile}"\n};`, /^compile-failed$/),
];

const options: HostileShape[] = [
  inSource(
    'a dump of the compiler, by an attribute',
    ({ outside }) => `__attribute__((optimize("dump-tree-all=${outside}/evil"))) int dumped(int x) { return x; }`,
    /^compile-failed$|^built$/,
  ),
  inSource(
    'a dump by a pragma',
    ({ outside }) => `#pragma GCC optimize ("dump-rtl-all=${outside}/evil")`,
    /^compile-failed$|^built$/,
  ),
  inSource(
    'a plugin by a pragma',
    ({ outside }) => `#pragma GCC optimize ("plugin=${outside}/evil.so")`,
    /^compile-failed$|^built$/,
  ),
  inSource(
    'a profile by an attribute',
    ({ outside }) => `__attribute__((optimize("profile-use=${outside}/secret"))) int profiled(int x) { return x; }`,
    /^compile-failed$|^built$/,
  ),
  inSource(
    'line numbers of a file of the host',
    ({ secretFile }) => `asm(".file 1 \\"${secretFile}\\"\\n.loc 1 1");`,
    /^compile-failed$|^built$/,
  ),
];

const names: HostileShape[] = [
  {
    name: 'a file in place of a folder',
    diff: () => created('fs', 'int x;'),
    becomes: /^changes-the-build$/,
  },
  {
    name: 'a folder in place of a file',
    diff: () => created('fs/a.h/b.h', 'int x;'),
    becomes: /^diff-does-not-apply$|^diff-syntax$|^changes-no-object$/,
  },
  {
    name: 'a name of a thousand letters',
    diff: () => created(`fs/${'n'.repeat(1000)}.h`, 'int x;'),
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a path of a thousand folders',
    diff: () => created(`fs/${'n/'.repeat(1000)}x.h`, 'int x;'),
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a name with a zero byte',
    diff: () => '--- /dev/null\n+++ "b/fs/a.h\\000.txt"\n@@ -0,0 +1 @@\n+x\n',
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a name that reads from right to left',
    diff: () => created('fs/\u202eh.a', 'int x;'),
    becomes: /^changes-the-build$/,
  },
  {
    name: 'a hunk of more lines than there are numbers',
    diff: () =>
      '--- a/fs/a.h\n+++ b/fs/a.h\n@@ -1,99999999999999999999 +1,99999999999999999999 @@\n-#define ADDED 1\n+x\n',
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a hunk before the first line',
    diff: () => '--- a/fs/a.h\n+++ b/fs/a.h\n@@ --5,1 +-5,1 @@\n-#define ADDED 1\n+x\n',
    becomes: /^diff-syntax$/,
  },
  {
    name: 'one file twice, made and taken away',
    diff: () => `${created('fs/new.h', 'int x;')}--- a/fs/new.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-int x;\n`,
    becomes: /^diff-syntax$|^diff-does-not-apply$|^changes-no-object$/,
  },
];

const growing: HostileShape[] = [
  inSource(
    'a string that doubles',
    `#define S0 "0123456789"\n${times(30, (n) => `#define S${n + 1} S${n} S${n}`)}\nconst char *grown = S30;`,
    /^limit-exceeded: (?:memory|time|output)$|^compile-failed$/,
  ),
  inSource(
    'functions that are put into each other',
    `#define I static inline __attribute__((always_inline)) int\nI f0(int x) { asm volatile("nop"); return x; }\n${times(26, (n) => `I f${n + 1}(int x) { return f${n}(x) + f${n}(x + 1); }`)}\nint all(int x) { return f26(x); }`,
    /^limit-exceeded: (?:memory|time)$/,
  ),
  inSource(
    'an array of all there is',
    'char all[0x7fffffffffffffff];',
    /^compile-failed$|^built$|^malformed-elf$|^limit-exceeded/,
  ),
  inSource(
    '.space of all there is',
    'asm(".data\\n.space 0x7fffffffffffffff\\n.text");',
    /^compile-failed$|^limit-exceeded/,
  ),
  inSource(
    '.irp in .irp',
    `asm("${times(9, (n) => `.irp a${n},1,2,3,4,5,6,7,8,9`).replaceAll('\n', '\\n')}\\n.long 1\\n${times(9, () => '.endr').replaceAll('\n', '\\n')}");`,
    /^limit-exceeded: (?:memory|disk|time)$|^compile-failed$/,
  ),
  inSource(
    'blocks in blocks',
    `int blocks(void) { ${'{'.repeat(100_000)} ${'}'.repeat(100_000)} return 0; }`,
    /^compile-failed$|^limit-exceeded|^built$/,
  ),
  inSource(
    'labels without an end',
    `int labels(void *p) { goto *p; ${times(60_000, (n) => `l${n}: asm volatile("" ::: "memory"); p = &&l${n};`)} goto *p; }`,
    /^built$|^limit-exceeded|^compile-failed$/,
  ),
];

export const laterShapes: readonly HostileShape[] = [...keyOfTheKernel, ...waysRound, ...options, ...names, ...growing];
