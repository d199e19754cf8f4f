// SPDX-License-Identifier: GPL-2.0-only
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { ObjectPair } from './compile-patch';
import { compilePatch, planPatch } from './patch-builder';
import { scanBuiltTree } from '../builds/scan-tree';
import type { KernelBuild } from '../builds/registered-kernel';
import { useSandbox } from '../processes/sandbox';

/**
 * A tree small enough to read, whose "compiler" writes its flags, the source's name and the source with its includes
 * into the object: enough to see what was compiled, where and how.
 */
const compilerTo = (log: string): string => `#!/bin/sh
for last; do :; done
while [ "$1" != -o ]; do flags="$flags $1"; shift; done
grep -q SYNTAX "$last" && { echo "$last:1: error: SYNTAX" >&2; exit 1; }
{ echo "$flags $last"; cat "$last"; sed -n 's/^#include "\\(.*\\)"/\\1/p' "$last" | while read -r h; do cat "$(dirname "$last")/$h"; done; } >"$2"
echo "$2" >>${log}
`;

const sources: Record<string, string> = {
  'fs/a.c': '#include "../include/x.h"\nint a;\nint a2;\n',
  'fs/b.c': '#include "../include/x.h"\nint b;\n',
  'kernel/asm-offsets.c': '#include "../include/layout.h"\n',
  'drivers/m.c': '#include "../include/layout.h"\nint m;\n',
  'include/x.h': 'int x;\n',
  'include/layout.h': 'int first;\n.ascii "->second $8"\n',
  'Documentation/t.rst': 'text\n',
};

const objects: [target: string, source: string, header: string][] = [
  ['fs/a.o', 'fs/a.c', 'include/x.h'],
  ['fs/b.o', 'fs/b.c', 'include/x.h'],
  ['drivers/m.o', 'drivers/m.c', 'include/layout.h'],
  ['kernel/asm-offsets.s', 'kernel/asm-offsets.c', 'include/layout.h'],
];

let dir = '';
let tree = '';
let kernel: KernelBuild;

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), text);
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-compile-'));
  tree = join(dir, 'tree');
  for (const [path, text] of Object.entries(sources)) await put(path, text);
  await put('scripts/cc.sh', compilerTo(join(dir, 'log')));
  await chmod(join(tree, 'scripts/cc.sh'), 0o755);
  for (const [target, source, header] of objects) {
    const cmd = `cmd_${target} := ./scripts/cc.sh -O2 -c -o ${target} ${source}\n\nsource_${target} := ${source}\n\ndeps_${target} := \\\n  ${header} \\\n\n`;
    await put(join(dirname(target), `.${target.slice(target.lastIndexOf('/') + 1)}.cmd`), cmd);
    await put(target, 'built by kbuild');
  }
  const member = (name: string): string => `${name.padEnd(48)}0         \`\n`;
  await put(
    'fs/built-in.a',
    `!<thin>\n//                                              10        \`\na.o/\nb.o/\n${member('/0')}${member('/5')}`,
  );
  await put('drivers/m.mod', 'drivers/m.o\n');
  // What was compiled is told to a file outside.
  await useSandbox('none');
  kernel = {
    treeDir: tree,
    dir: join(dir, 'registered'),
    index: await scanBuiltTree(tree),
    enabledOptions: new Set(),
    delayedObjtool: null,
    registeredAtMs: Date.now() + 1000,
  } as unknown as KernelBuild;
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

function replaceLine(file: string, line: number, from: string, to: string): string {
  return `--- a/${file}\n+++ b/${file}\n@@ -${line},1 +${line},1 @@\n-${from}\n+${to}\n`;
}

async function compile(diff: string): Promise<ObjectPair[]> {
  return (await compilePatch({ kernel, diff }, async (pair) => Promise.resolve(pair))).results;
}

async function compiled(): Promise<string[]> {
  const log = await readFile(join(dir, 'log'), 'utf8').catch(() => '');
  await rm(join(dir, 'log'), { force: true });
  return log.trim().split('\n').filter(Boolean).sort();
}

async function refusal(diff: string): Promise<LockstepError> {
  const error: unknown = await compile(diff).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof LockstepError) return error;
  throw new Error('not refused', { cause: error });
}

/** All that is in the registered tree, to see that nobody wrote there. */
async function snapshot(): Promise<Record<string, string>> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')] as const)),
  );
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const changeA = replaceLine('fs/a.c', 2, 'int a;', 'int changed;');

describe('compiling a patch', () => {
  test('compiles the touched object twice, by its own command with section flags, at its own path', async () => {
    const [pair, ...others] = await compile(changeA);
    expect(others).toEqual([]);
    expect(pair).toMatchObject({ objectPath: 'fs/a.o', object: 'vmlinux' });
    const head = ' -O2 -ffunction-sections -fdata-sections -c fs/a.c\n';
    expect(text(pair!.original)).toBe(`${head}${sources['fs/a.c']!}${sources['include/x.h']!}`);
    expect(text(pair!.patched)).toBe(text(pair!.original).replace('int a;', 'int changed;'));
  });

  test('a header reaches every object that reads it, and modules are named', async () => {
    const pairs = await compile(replaceLine('include/x.h', 1, 'int x;', 'int y;'));
    expect(pairs.map(({ objectPath }) => objectPath)).toEqual(['fs/a.o', 'fs/b.o']);
    const [inModule] = await compile(replaceLine('drivers/m.c', 2, 'int m;', 'int n;'));
    expect(inModule?.object).toBe('m');
  });

  test('originals are compiled once; the registered tree is never written to; staging is undone', async () => {
    const before = await snapshot();
    await compile(changeA);
    expect(await compiled()).toEqual(['fs/a.o', 'fs/a.o']);
    const [again] = await compile(replaceLine('fs/a.c', 3, 'int a2;', 'int third;'));
    expect(await compiled()).toEqual(['fs/a.o']);
    expect(text(again!.patched)).toContain('int a;\nint third;');
    expect(await snapshot()).toEqual(before);
  });

  test('what a killed worker left staged is undone before the next build', async () => {
    await compile(changeA);
    const slot = join(kernel.dir, 'staged/0');
    await rm(join(slot, 'linux/fs/a.c'));
    await writeFile(join(slot, 'linux/fs/a.c'), 'half a patch');
    await writeFile(join(slot, 'linux/fs/new.h'), 'left over');
    await writeFile(join(slot, 'changed.json'), JSON.stringify(['fs/a.c', 'fs/new.h']));
    const [pair] = await compile(replaceLine('fs/a.c', 3, 'int a2;', 'int third;'));
    expect(text(pair!.patched)).toContain('int a;\nint third;');
    expect(await readdir(join(slot, 'linux/fs'))).not.toContain('new.h');
  });

  test('of the tools only what compile commands read is staged', async () => {
    await put('tools/lib/bpf/relo_core.h', 'int relo;');
    await put('tools/perf/perf.c', 'int perf;');
    await compile(changeA);
    expect(await readdir(join(kernel.dir, 'staged/0/linux/tools'))).toEqual(['lib']);
    expect(await readFile(join(kernel.dir, 'staged/0/linux/tools/lib/bpf/relo_core.h'), 'utf8')).toBe('int relo;');
  });

  test('what linker scripts are made of is staged, and what was linked is not', async () => {
    const [scripts, linked] = [
      ['vmlinux.lds.S', 'vmlinux.lds.h'],
      ['vmlinux', 'vmlinux.lds', 'vmlinux.symvers'],
    ];
    for (const name of [...scripts, ...linked]) await put(`arch/x86/kernel/${name}`, 'SECTIONS');
    await compile(changeA);
    expect(await readdir(join(kernel.dir, 'staged/0/linux/arch/x86/kernel'))).toEqual([...scripts].sort());
  });

  test('two builds at once do not see each other', async () => {
    const [left, right] = await Promise.all([compile(changeA), compile(replaceLine('fs/a.c', 3, 'int a2;', 'int r;'))]);
    expect(text(left[0]!.patched)).toContain('int changed;\nint a2;');
    expect(text(right[0]!.patched)).toContain('int a;\nint r;');
  });

  test('a diff that does not apply: file, hunk and what was found', async () => {
    const error = await refusal(replaceLine('fs/a.c', 2, 'int nothing;', 'int x;'));
    expect(error.reason).toBe('diff-does-not-apply');
    expect(error.fields).toMatchObject({ file: 'fs/a.c', hunk: 1, expected: 'int nothing;' });
    expect((await refusal(replaceLine('fs/none.c', 1, 'a', 'b'))).fields).toMatchObject({
      found: 'no such file in this tree',
    });
  });

  test('a series that changes a file twice, with a rename and a stale line that --fuzz lets in and names', async () => {
    const from = (number: number): string =>
      `From ${String(number).repeat(40)} Mon Sep 17 00:00:00 2001\nSubject: [PATCH ${number}/2] fix\n\n---\n`;
    const first =
      '--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1,3 +1,3 @@\n #include "../include/x.h"\n-int a;\n+int b1;\n int stale;\n';
    const rename =
      'diff --git a/include/x.h b/include/y.h\nsimilarity index 100%\nrename from include/x.h\nrename to include/y.h\n';
    const second =
      'diff --git a/fs/a.c b/fs/a.c\n--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1,3 +1,3 @@\n-#include "../include/x.h"\n+#include "../include/y.h"\n-int b1;\n+int b2;\n int a2;\n';
    const series = `${from(1)}${first}-- \n2.39.5\n\n${from(2)}${rename}${second}-- \n2.39.5\n\n`;
    expect((await refusal(series)).message).toContain('--fuzz 1');
    const diff = [{ name: '', text: series, fuzz: 1 }];
    const { results, remarks } = await compilePatch({ kernel, diff }, async (pair) => Promise.resolve(pair));
    const ofA = results.find(({ objectPath }) => objectPath === 'fs/a.o');
    expect(text(ofA!.patched)).toContain('#include "../include/y.h"\nint b2;\nint a2;\nint x;');
    expect(remarks).toEqual(['--fuzz 1 let it in: fs/a.c, hunk 1, line 3: expected "int stale;", found "int a2;"']);
  });

  test('a source that nothing is compiled from is told, where the rest of the diff changes something', async () => {
    await writeFile(join(kernel.treeDir, 'fs/unconfigured.c'), 'int off;\n');
    const diff = `${replaceLine('fs/a.c', 2, 'int a;', 'int b;')}${replaceLine('fs/unconfigured.c', 1, 'int off;', 'int on;')}`;
    const { remarks } = await compilePatch({ kernel, diff }, async (pair) => Promise.resolve(pair));
    expect(remarks).toEqual([
      'what it changes in fs/unconfigured.c is left out: this kernel build compiles nothing from it',
    ]);
  });

  test('a diff that changes no object, by what it touches or by what comes out', async () => {
    expect((await refusal(replaceLine('Documentation/t.rst', 1, 'text', 'words'))).reason).toBe('changes-no-object');
    const created = '--- /dev/null\n+++ b/include/unused.h\n@@ -0,0 +1 @@\n+int z;\n';
    expect((await refusal(created)).reason).toBe('changes-no-object');
  });

  test("a diff that does not compile: the compiler's message", async () => {
    const error = await refusal(replaceLine('fs/a.c', 2, 'int a;', 'SYNTAX'));
    expect(error.reason).toBe('compile-failed');
    expect(error.fields).toMatchObject({
      objectPath: 'fs/a.o',
      version: 'patched',
      message: 'fs/a.c:1: error: SYNTAX',
    });
    expect((await compile(changeA)).length).toBe(1);
  });

  test('a header that changes what generated headers come from needs make; one that does not is replayed', async () => {
    const diff = replaceLine('include/layout.h', 2, '.ascii "->second $8"', '.ascii "->second $16"');
    const plan = await planPatch({ kernel, diff });
    expect(plan).toMatchObject({ path: 'make', objectPaths: [] });
    expect(plan.makeReasons).toEqual([expect.stringContaining('kernel/asm-offsets.s')]);
    const harmless = replaceLine('include/layout.h', 1, 'int first;', 'int other;');
    expect(await planPatch({ kernel, diff: harmless })).toMatchObject({ path: 'replay', objectPaths: ['drivers/m.o'] });
    expect((await compile(harmless)).map(({ objectPath }) => objectPath)).toEqual(['drivers/m.o']);
  });

  test('a share of the objects is built alone', async () => {
    const diff = replaceLine('include/x.h', 1, 'int x;', 'int y;');
    const { results } = await compilePatch({ kernel, diff, objectPaths: ['fs/b.o'] }, async ({ objectPath }) =>
      Promise.resolve(objectPath),
    );
    expect(results).toEqual(['fs/b.o']);
    expect((await compiled()).filter((output) => output.endsWith('.o'))).toEqual(['fs/b.o', 'fs/b.o']);
  });

  test('of the readers of a header those are left out that do not call the function in which it changes', async () => {
    const called = 'static inline int f(void) { return 1; }';
    await put('include/x.h', `${called}\n`);
    await put('fs/a.c', '#include "../include/x.h"\nint a(void) { return f(); }\n');
    // And built from that.
    for (const object of ['fs/a.o', 'fs/b.o']) await put(object, 'built by kbuild');
    const diff = replaceLine('include/x.h', 1, called, called.replace('1', '2'));
    expect((await compile(diff)).map(({ objectPath }) => objectPath)).toEqual(['fs/a.o']);
    expect(await compiled()).toEqual(['fs/a.o', 'fs/a.o', 'fs/a.o.i', 'fs/b.o.i', 'fs/b.o.i', 'fs/b.o.i']);
    // What is called is known by now; one object is asked about again.
    await compile(replaceLine('include/x.h', 1, called, called.replace('1', '3')));
    expect(await compiled()).toEqual(['fs/a.o', 'fs/b.o.i', 'fs/b.o.i']);
  });

  test('where the preprocessor makes more of a body than its text shows, each reader is asked by what comes out', async () => {
    const called = 'static inline int f(void) { return 1; }';
    await put('include/x.h', `${called}\n`);
    await put('fs/a.c', '#include "../include/x.h"\nint a(void) { return f(); }\n');
    const macro = 's/MACRO/0; } int hidden(void) { return/';
    await put('scripts/cc.sh', compilerTo(join(dir, 'log')).replace('done; } >', `done; } | sed '${macro}' >`));
    for (const object of ['fs/a.o', 'fs/b.o']) await put(object, 'built by kbuild');
    const diff = replaceLine('include/x.h', 1, called, called.replace('1', 'MACRO 2'));
    expect((await compile(diff)).map(({ objectPath }) => objectPath)).toEqual(['fs/a.o', 'fs/b.o']);
  });

  test('where bodies of inline functions are all that changes, exported symbols are not asked for their versions', async () => {
    const called = 'static inline int f(void) { return 1; }';
    await put('include/x.h', `${called}\n`);
    await put('fs/a.c', '#include "../include/x.h"\nint a(void) { return f(); }\nchar *__ksymtab_a;\n');
    await put('scripts/genksyms/genksyms', `#!/bin/sh\necho genksyms >>${join(dir, 'log')}\n`);
    await chmod(join(tree, 'scripts/genksyms/genksyms'), 0o755);
    for (const object of ['fs/a.o', 'fs/b.o']) await put(object, 'built by kbuild');
    kernel = { ...kernel, enabledOptions: new Set(['MODVERSIONS']) };
    const body = replaceLine('include/x.h', 1, called, called.replace('1', '2'));
    expect((await compile(body)).map(({ objectPath }) => objectPath)).toEqual(['fs/a.o']);
    expect(await compiled()).not.toContain('genksyms');
    // What was compiled is no ELF file, of which the exports could be read.
    await expect(compile(replaceLine('include/x.h', 1, called, called.replace('int', 'long')))).rejects.toThrow(
      'fs/a.o',
    );
    expect(await compiled()).toContain('genksyms');
    const created = '--- /dev/null\n+++ b/include/unused.h\n@@ -0,0 +1 @@\n+int z;\n';
    await expect(compile(`${body}${created}`)).rejects.toThrow('fs/a.o');
  });

  test('where a header reaches nobody, one object is compiled all the same: to say so is up to the compiler', async () => {
    const diff = '--- a/include/x.h\n+++ b/include/x.h\n@@ -1,1 +1,2 @@\n int x;\n+int fresh(void);\n';
    await compile(diff);
    expect((await compiled()).filter((output) => output.endsWith('.o'))).toEqual(['fs/a.o', 'fs/a.o']);
  });

  test('a tree that was changed after it was registered is refused, not compiled', async () => {
    const later = new Date(kernel.registeredAtMs + 60_000);
    await utimes(join(tree, 'include/x.h'), later, later);
    const error = await refusal(changeA);
    expect(error.reason).toBe('kernel-build-changed');
    expect(error.fields).toMatchObject({ file: 'include/x.h' });
  });

  test('so is one that changed between its build and that; where only times were lost, it is built', async () => {
    const between = new Date(kernel.registeredAtMs - 100);
    await utimes(join(tree, 'include/x.h'), between, between);
    expect(await refusal(changeA)).toMatchObject({ reason: 'kernel-build-changed', fields: { file: 'include/x.h' } });
    // As the saved command makes it.
    await put('fs/a.o', ' -O2 -c fs/a.c\n#include "../include/x.h"\nint a;\nint a2;\nint x;\n');
    await utimes(join(tree, 'fs/a.o'), new Date(0), new Date(0));
    expect((await compile(changeA)).length).toBe(1);
  });

  test('an abort stops it and leaves nothing staged', async () => {
    const signal = AbortSignal.abort();
    await expect(compilePatch({ kernel, diff: changeA, signal }, async () => Promise.resolve())).rejects.toThrow();
    expect((await compile(changeA)).length).toBe(1);
  });
});
