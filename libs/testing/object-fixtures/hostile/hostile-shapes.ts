// SPDX-License-Identifier: GPL-2.0-only
import type { HostileKernel, Places } from './hostile-kernel';

/** One way in which a diff tries to reach what is not its own. Each is harmless: a marker file, a bounded loop. */
export interface HostileShape {
  readonly name: string;
  readonly diff: (kernel: HostileKernel, places: Places) => string;
  /** By the right to change what the build runs. */
  readonly mayChangeBuild?: boolean;
  readonly becomes: RegExp;
}

export const created = (file: string, text: string): string => {
  const lines = text.split('\n');
  return `--- /dev/null\n+++ b/${file}\n@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}\n`).join('')}`;
};
const gitFile = (file: string, header: string, text: string): string =>
  `diff --git a/${file} b/${file}\n${header}\n--- /dev/null\n+++ b/${file}\n@@ -0,0 +1 @@\n+${text}\n`;

type Written = string | ((places: Places) => string);
const textOf = (text: Written, places: Places): string => (typeof text === 'string' ? text : text(places));

/** In a source, where it is compiled. */
export const inSource = (name: string, text: Written, becomes: RegExp): HostileShape => ({
  name,
  diff: (kernel, places) =>
    kernel.replacing(
      'fs/a.c',
      `#include "a.h"\n${textOf(text, places)}\nint answer(int x)\n{\n\treturn x + ADDED + 1;\n}`,
    ),
  becomes,
});
export const inHeader = (name: string, text: Written, becomes: RegExp): HostileShape => ({
  name,
  diff: (kernel, places) => kernel.replacing('fs/a.h', `#define ADDED 2\n${textOf(text, places)}`),
  becomes,
});
/** What make runs or obeys, without the right to. */
const unasked = (file: string, text = 'anything'): HostileShape => ({
  name: `${file} without the right to change the build`,
  diff: (kernel) =>
    /^(?:Makefile|fs\/Kconfig|fs\/Makefile|scripts\/build.sh)$/.test(file)
      ? kernel.replacing(file, text)
      : created(file, text),
  becomes: /^changes-the-build$/,
});

export const up = '../'.repeat(24);

const paths: HostileShape[] = [
  ...['../evil.c', '/etc/evil.c', 'fs/../../evil.c', './../evil.c', 'fs//../../evil.c', '..'].map((file) => ({
    name: `a path that leads out of the tree: ${file}`,
    diff: () => `--- /dev/null\n+++ b/${file}\n@@ -0,0 +1 @@\n+x\n`,
    becomes: /^diff-syntax$|^changes-no-object$|^unsupported-change$/,
  })),
  {
    name: 'a symbolic link',
    diff: (_, { secretFile }) => gitFile('fs/a.link.h', 'new file mode 120000', secretFile),
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a file that becomes a symbolic link',
    diff: (_, { secretFile }) =>
      `diff --git a/fs/a.h b/fs/a.h\nold mode 100644\nnew mode 120000\n--- a/fs/a.h\n+++ b/fs/a.h\n@@ -1 +1 @@\n-#define ADDED 1\n+${secretFile}\n`,
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a submodule',
    diff: () => gitFile('fs/sub', 'new file mode 160000', 'Subproject commit 1'),
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a rename out of the tree',
    diff: () => 'diff --git a/fs/a.h b/../a.h\nsimilarity index 100%\nrename from fs/a.h\nrename to ../a.h\n',
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a copy from outside the tree',
    diff: () =>
      `diff --git a/${up}etc/passwd b/fs/c.h\nsimilarity index 100%\ncopy from ${up}etc/passwd\ncopy to fs/c.h\n`,
    becomes: /^diff-syntax$|^diff-does-not-apply$/,
  },
  {
    name: 'a binary patch',
    diff: () => 'diff --git a/fs/a.h b/fs/a.h\nindex 1..2 100644\nGIT binary patch\nliteral 4\nLcmZQzAOHXW00962\n\n',
    becomes: /^diff-syntax$/,
  },
  {
    name: 'a name with a line break',
    diff: () => '--- /dev/null\n+++ "b/fs/x\\n.c"\n@@ -0,0 +1 @@\n+int x;\n',
    becomes: /^diff-syntax$|^changes-no-object$|^changes-the-build$/,
  },
  ...[
    'fs/.a.o.cmd',
    '.config',
    'include/config/auto.conf.cmd',
    'localversion-evil',
    'Module.symvers',
    '.git/hooks/post-checkout',
  ].map((file) => unasked(file)),
];

const reading: HostileShape[] = [
  inSource('#include of an absolute path', ({ secretFile }) => `#include "${secretFile}"`, /^compile-failed$/),
  inSource('#include <> of an absolute path', ({ secretFile }) => `#include <${secretFile}>`, /^compile-failed$/),
  inSource('#include by climbing', ({ secretFile }) => `#include "${up}${secretFile.slice(1)}"`, /^compile-failed$/),
  inSource('#include_next', ({ secretFile }) => `#include_next "${secretFile}"`, /^compile-failed$/),
  inSource('#import', ({ secretFile }) => `#import "${secretFile}"`, /^compile-failed$/),
  inSource('#include through a macro', ({ secretFile }) => `#define F "${secretFile}"\n#include F`, /^compile-failed$/),
  inSource(
    '__has_include',
    ({ secretFile }) => `#if __has_include("${secretFile}")\n#error found-it\n#endif`,
    /^built$/,
  ),
  inSource(
    '__has_include of a home',
    '#if __has_include("/root/.bashrc") || __has_include("/etc/passwd")\n#error there\n#endif',
    /^built$/,
  ),
  inSource(
    '#pragma GCC dependency',
    ({ secretFile }) => `#pragma GCC dependency "${secretFile}"\n#error end`,
    /^compile-failed$/,
  ),
  inSource('#include of the environment', '#include "/proc/self/environ"', /^compile-failed$|^built$/),
  inSource('#include of the first process', '#include "/proc/1/environ"', /^compile-failed$|^built$/),
  inSource('#include of another process', `#include "/proc/${process.pid}/environ"`, /^compile-failed$/),
  inSource('#include of a descriptor', '#include "/proc/self/fd/3"', /^compile-failed$|^built$/),
  inSource('#include of the memory', '#include "/dev/mem"', /^compile-failed$/),
  inSource('#include of a disk', '#include "/dev/vda"', /^compile-failed$/),
  inSource('#include of what never ends', '#include "/dev/zero"', /^compile-failed$|^limit-exceeded/),
  inSource(
    '#line into a host file, for the message',
    ({ secretFile }) => `#line 1 "${secretFile}"\nwrong wrong wrong;`,
    /^compile-failed$/,
  ),
  inSource(
    '# 1 into a host file, for the message',
    ({ secretFile }) => `# 1 "${secretFile}"\nwrong wrong wrong;`,
    /^compile-failed$/,
  ),
  inSource('#line into the passwords', '#line 1 "/etc/shadow"\nwrong wrong wrong;', /^compile-failed$/),
  inSource(
    '.incbin of an absolute path',
    ({ secretFile }) => `asm(".incbin \\"${secretFile}\\"");`,
    /^compile-failed$/,
  ),
  inSource(
    '.incbin by climbing',
    ({ secretFile }) => `asm(".incbin \\"${up}${secretFile.slice(1)}\\"");`,
    /^compile-failed$/,
  ),
  inSource(
    '.incbin in a section of its own',
    ({ secretFile }) => `asm(".pushsection .rodata.s,\\"a\\"\\n.incbin \\"${secretFile}\\"\\n.popsection");`,
    /^compile-failed$/,
  ),
  inSource('.incbin of the environment', 'asm(".incbin \\"/proc/self/environ\\"");', /^compile-failed$|^built$/),
  inSource(
    '.incbin of the command line of the host',
    'asm(".incbin \\"/proc/1/cmdline\\"");',
    /^compile-failed$|^built$/,
  ),
  inSource('.include of a host file', ({ secretFile }) => `asm(".include \\"${secretFile}\\"");`, /^compile-failed$/),
  inSource('.include of the maps', 'asm(".include \\"/proc/self/maps\\"");', /^compile-failed$/),
  inSource(
    '.macro that includes',
    ({ secretFile }) => `asm(".macro m f\\n.incbin \\"\\\\f\\"\\n.endm\\nm ${secretFile}");`,
    /^compile-failed$/,
  ),
  inSource(
    '#pragma GCC pch_preprocess',
    ({ secretFile }) => `#pragma GCC pch_preprocess "${secretFile}"`,
    /^compile-failed$|^built$/,
  ),
  inHeader('a header that includes', ({ secretFile }) => `#include "${secretFile}"`, /^compile-failed$/),
  inHeader(
    'a header that asks',
    '#ifdef __has_include\n#if __has_include("/etc/hostname")\n#error there\n#endif\n#endif',
    /^built$/,
  ),
  unasked('fs/a.h.gch', 'gpch'),
  unasked('fs/a.h.gch/a.c', 'int precompiled;'),
];

const limits: HostileShape[] = [
  inHeader('an include of itself', '#include "a.h"', /^compile-failed$|^limit-exceeded/),
  inSource(
    'includes that double',
    '#ifndef D\n#define D 0\n#endif\n#if __INCLUDE_LEVEL__ < 40\n#include "a.c"\n#include "a.c"\n#endif',
    /^limit-exceeded: (?:time|memory|output)$/,
  ),
  inSource(
    'macros that double',
    `#define A0 x,\n${Array.from({ length: 40 }, (_, n) => `#define A${n + 1} A${n} A${n}`).join('\n')}\nint t[] = { A40 };`,
    /^limit-exceeded: (?:memory|time)$/,
  ),
  inSource('an array of a gigabyte', 'char big[1 << 30] = { 1 };', /^limit-exceeded: (?:disk|memory|time)$/),
  inSource(
    '.fill of a gigabyte',
    'asm(".data\\n.fill 0x40000000,1,1\\n.text");',
    /^limit-exceeded: (?:disk|memory|time)$/,
  ),
  inSource(
    '.rept without an end',
    'asm(".rept 2000000000\\nnop\\n.endr");',
    /^limit-exceeded: (?:memory|disk|time)$|^compile-failed$/,
  ),
  inSource(
    'a macro of the assembler that calls itself',
    'asm(".macro m\\nm\\n.endm\\nm");',
    /^compile-failed$|^limit-exceeded/,
  ),
  inSource(
    'nested .rept',
    'asm(".rept 100000\\n.rept 100000\\n.long 1\\n.endr\\n.endr");',
    /^limit-exceeded: (?:memory|disk|time)$/,
  ),
  inSource('many sections', 'asm(".rept 100000000\\n.section .s\\\\@\\n.endr");', /^limit-exceeded|^compile-failed$/),
  inSource(
    'an assembler that talks',
    'asm(".rept 10000000\\n.print \\"a long line of nothing\\"\\n.endr");',
    /^limit-exceeded: (?:output|time|memory)$/,
  ),
  inSource(
    'warnings without an end',
    'asm(".rept 10000000\\n.warning \\"nothing\\"\\n.endr");',
    /^limit-exceeded: (?:output|time|memory)$/,
  ),
  inSource(
    'a preprocessor that talks',
    '#if __INCLUDE_LEVEL__ < 30\n#warning a long line of nothing at all, and more of it\n#include "a.c"\n#include "a.c"\n#endif',
    /^limit-exceeded: (?:output|time|memory)$/,
  ),
  inSource(
    'parentheses',
    `int deep = ${'('.repeat(200_000)}1${')'.repeat(200_000)};`,
    /^compile-failed$|^limit-exceeded|^built$/,
  ),
  inSource(
    'a type of types',
    `typedef int T0;\n${Array.from({ length: 30 }, (_, n) => `typedef struct { T${n} a, b, c, d; } T${n + 1};`).join('\n')}\nT30 huge = { };`,
    /^compile-failed$|^malformed-elf$|^limit-exceeded/,
  ),
  inSource(
    'a great switch',
    `#define C(n) case n: x += n * x; break;\n#define C10(n) C(n##0) C(n##1) C(n##2) C(n##3) C(n##4) C(n##5) C(n##6) C(n##7) C(n##8) C(n##9)\nint s(int x) { switch (x) { ${Array.from({ length: 4000 }, (_, n) => `C10(${n + 1})`).join(' ')} } return x; }`,
    /^built$|^limit-exceeded/,
  ),
  inSource('an alignment of everything', 'asm(".balign 0x40000000");', /^compile-failed$|^built$|^limit-exceeded/),
  inSource('.org far away', 'asm(".data\\n.org 0x70000000\\n.byte 1\\n.text");', /^limit-exceeded|^compile-failed$/),
];

const refusedRight: HostileShape[] = [
  unasked('Makefile', 'x := $(shell touch evil)\ndescend:'),
  unasked('fs/Makefile', 'ccflags-y += -fplugin=/tmp/evil.so'),
  unasked('fs/Kconfig', 'config EVIL\n\tdef_bool $(shell,touch evil)'),
  unasked('scripts/build.sh', 'touch evil'),
  ...[
    'fs/Kbuild',
    'fs/Makefile.extra',
    'fs/sub/Kconfig.evil',
    'scripts/gcc-plugins/evil.c',
    'tools/objtool/check.c',
    'tools/build/Build',
  ].map((file) => unasked(file)),
  ...['scripts/mod/modpost.c', 'fs/evil.sh', 'fs/table.pl', 'certs/key.pem'].map((file) => unasked(file)),
  {
    name: 'a makefile that is renamed',
    diff: () =>
      'diff --git a/fs/Makefile b/fs/notes.h\nsimilarity index 100%\nrename from fs/Makefile\nrename to fs/notes.h\n',
    becomes: /^changes-the-build$/,
  },
];

/** By the right, in what make runs. */
export const inMake = (name: string, script: (places: Places) => string, becomes: RegExp): HostileShape => ({
  name: `make: ${name}`,
  diff: (kernel, places) => kernel.replacing('scripts/build.sh', script(places)),
  mayChangeBuild: true,
  becomes,
});
export const inKconfig = (name: string, text: (places: Places) => string, becomes: RegExp): HostileShape => ({
  name: `make: ${name}`,
  diff: (kernel, places) => kernel.replacing('fs/Makefile', text(places)),
  mayChangeBuild: true,
  becomes,
});
export const ended = /^make-failed$|^changes-no-object$/;

const throughMake: HostileShape[] = [
  inMake('reads the host', ({ secretFile }) => `cat ${secretFile} /etc/shadow ~/.ssh/* ; exit 1`, ended),
  inMake('reads the environment', () => 'env; cat /proc/*/environ | tr "\\0" "\\n"; exit 1', ended),
  inMake('writes to the host', ({ outside }) => `mkdir -p ${outside}; echo x >${outside}/evil; exit 1`, ended),
  inMake('writes into the registered tree', ({ tree }) => `echo evil >>${tree}/fs/a.c; exit 1`, ended),
  inMake('writes into its sources in place', () => 'echo "int evil;" >>fs/b.c; chmod 777 fs/*; exit 1', ended),
  inMake(
    'calls home',
    ({ port }) =>
      `bash -c 'echo >/dev/tcp/127.0.0.1/${port}'; perl -MIO::Socket -e 'IO::Socket::INET->new("127.0.0.1:${port}")'; exit 1`,
    ended,
  ),
  inMake('ends its parent', () => 'kill -9 $PPID 1 -1; exit 1', /^make-failed$|^changes-no-object$/),
  inMake('ends the worker', () => `kill -9 ${process.pid} ${process.ppid}; exit 1`, ended),
  inMake('stays behind', ({ outside }) => `(setsid sh -c 'sleep 2; echo x >${outside}/late' &) ; exit 1`, ended),
  inMake(
    'makes new namespaces',
    ({ secretFile }) => `unshare -Urm sh -c 'cat ${secretFile}; echo new-$((1+1))'; nsenter -t 1 -a true; exit 1`,
    ended,
  ),
  inMake('mounts', () => 'mount -t tmpfs x fs; mount -o remount,rw /; exit 1', ended),
  inMake(
    'leaves a link in place of an object',
    ({ secretFile }) => `rm -f fs/a.o; ln -s ${secretFile} fs/a.o`,
    /^leads-outside$/,
  ),
  inMake(
    'leaves a link in place of a folder',
    ({ outside }) => `mv include i; ln -s ${outside} include`,
    /^leads-outside$/,
  ),
  inMake('leaves a link to nowhere', ({ outside }) => `rm -f fs/b.o; ln -s ${outside}/evil fs/b.o`, /^leads-outside$/),
  inMake('leaves a pipe', () => 'rm -f fs/a.o; mkfifo fs/a.o', /^leads-outside$/),
  inMake(
    'leaves a hostile saved command',
    ({ outside, secretFile }) =>
      `sh scripts/build2.sh 2>/dev/null; gcc -c -O1 -o fs/a.o fs/a.c; echo 'cmd_fs/a.o := cat ${secretFile} >&2; touch ${outside}/evil; gcc -c -o fs/a.o fs/a.c' >fs/.a.o.cmd; printf '\\nsource_fs/a.o := fs/a.c\\n\\ndeps_fs/a.o := \\\\\\n' >>fs/.a.o.cmd`,
    /^compile-failed$|^built$|^changes-no-object$|^unsupported-change$/,
  ),
  inMake('sleeps for ever', () => 'sleep 1000', /^limit-exceeded: time$/),
  inMake('computes for ever', () => 'while :; do :; done', /^limit-exceeded: time$/),
  inMake('starts many', () => 'for i in $(seq 200); do sleep 9 & done; wait', /^limit-exceeded: processes$/),
  inMake('talks without an end', () => 'yes nothing', /^limit-exceeded: output$/),
  inMake(
    'fills the disk',
    () => 'for i in $(seq 40); do head -c 4M /dev/zero >fs/$i; done; sleep 9',
    /^limit-exceeded: disk$/,
  ),
  inMake('writes one great file', () => 'head -c 900M /dev/zero >fs/big', /^limit-exceeded: disk$/),
  inMake('fills its /tmp', () => 'dd if=/dev/zero of=/tmp/big bs=1M count=900', /^limit-exceeded: disk$/),
  inMake(
    'takes all memory',
    () => 'perl -e \'my @x; push @x, "x" x 50_000_000 . rand for 1..100; sleep 9\'',
    /^limit-exceeded: memory$/,
  ),
  inKconfig(
    '$(shell) when it is read',
    ({ outside, secretFile }) => `x := $(shell touch ${outside}/evil; cat ${secretFile})\n$(info $(x))\n$(error read)`,
    ended,
  ),
  inKconfig(
    'another shell',
    ({ outside }) =>
      `SHELL := /usr/bin/perl\n.SHELLFLAGS := -e\nx := $(shell open F, ">${outside}/evil")\n$(error end)`,
    ended,
  ),
  inKconfig(
    'a compiler of its own',
    ({ outside }) => `CC := sh -c "touch ${outside}/evil"\nx := $(shell $(CC))\n$(error end)`,
    ended,
  ),
  inKconfig('includes the host', ({ secretFile }) => `include ${secretFile}\n-include /etc/passwd`, ended),
  inKconfig(
    '$(file) of the host',
    ({ outside, secretFile }) => `$(info $(file <${secretFile}))\n$(file >${outside}/evil,x)\n$(error end)`,
    ended,
  ),
  inKconfig(
    'a plugin of the compiler',
    ({ outside }) =>
      `x := $(shell cd /tmp && echo 'int plugin_is_GPL_compatible; int plugin_init(void) { return __builtin_system("touch ${outside}/evil"); }' >p.c; gcc -shared -fPIC -o p.so p.c; echo "int x;" | gcc -fplugin=./p.so -xc -c -o /dev/null - 2>&1)\n$(error end $(x))`,
    ended,
  ),
];

export const hostileShapes: readonly HostileShape[] = [
  ...paths,
  ...reading,
  ...limits,
  ...refusedRight,
  ...throughMake,
];
