// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import { BuiltOriginals } from './built-originals';
import { noTables } from './tests/no-tables';

const root = mkdtempSync(path.join(tmpdir(), 'lockstep-built-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const flags = '-O2 -mcmodel=kernel -fno-pic -fno-asynchronous-unwind-tables -fcf-protection=none -g'.split(' ');

/** `mm/sum.c` as `mm/sum.o` and so on, again where it is there. */
function compile(treeDir: string, file: string, source: string): void {
  writeFileSync(path.join(treeDir, file), source);
  execFileSync('gcc', [...flags, '-c', file, '-o', file.replace('.c', '.o')], { cwd: treeDir });
}

/** A finished build: two objects in vmlinux, one of a library that the linker had no use for, and a module. */
function builtTree(name: string): { dir: string; treeDir: string } {
  const treeDir = path.join(root, name, 'tree');
  for (const folder of ['mm', 'lib', 'net']) mkdirSync(path.join(treeDir, folder), { recursive: true });
  const run = (program: string, ...args: string[]): void => {
    execFileSync(program, args, { cwd: treeDir, stdio: 'pipe' });
  };
  compile(treeDir, 'mm/sum.c', 'int table[4]; int sum(int at) { return table[at & 3] + 7; }');
  compile(treeDir, 'mm/ask.c', 'int sum(int); int ask(void) { return sum(1) * 2; }');
  compile(treeDir, 'lib/spare.c', 'int spare(int by) { return by * 3; }');
  compile(
    treeDir,
    'net/far-away.c',
    'extern int sum(int); static int near(int by) { return sum(by) + 1; } int (*far)(int) = near;',
  );
  run('ld', '-Ttext=0xffffffff81000000', '-n', '-e', '0', 'mm/sum.o', 'mm/ask.o', '-o', 'vmlinux');
  run('ld', '-r', 'net/far-away.o', '-o', 'net/far-away.ko');
  writeFileSync(path.join(treeDir, 'modules.order'), 'net/far-away.o\n');
  return { dir: path.join(root, name), treeDir };
}

const kernelOf = (name: string): ConstructorParameters<typeof BuiltOriginals>[0] => ({
  ...builtTree(name),
  stock: undefined,
  delayedObjtool: null,
  facts: { tables: noTables },
});

const indexed = (source: string, object = 'vmlinux'): IndexedObject => ({
  path: source.replace('.c', '.o'),
  source,
  object,
});

describe('an object of a kernel that was built in its tree', () => {
  test('is proved against the vmlinux that it was linked into', async () => {
    const built = new BuiltOriginals(kernelOf('same'));
    const whole = { functions: 1, equal: 1, overridden: [], differences: [] };
    await expect(built.prove(indexed('mm/sum.c'))).resolves.toEqual(whole);
    await expect(built.prove(indexed('mm/ask.c'))).resolves.toEqual(whole);
  });

  test('and one of a module against the module, debug information left unread', async () => {
    const built = new BuiltOriginals(kernelOf('module'));
    await expect(built.prove(indexed('net/far-away.c', 'far_away'))).resolves.toMatchObject({ functions: 1, equal: 1 });
    const other = new BuiltOriginals(kernelOf('no-module'));
    await expect(other.prove(indexed('net/far-away.c', 'unheard_of'))).resolves.toBeUndefined();
  });

  test('that was made again since is refused, with what differs and what to do', async () => {
    const kernel = kernelOf('again');
    compile(kernel.treeDir, 'mm/sum.c', 'int table[4]; int sum(int at) { return table[at & 3] + 8; }');
    await expect(new BuiltOriginals(kernel).prove(indexed('mm/sum.c'))).rejects.toMatchObject({
      kind: 'refused',
      reason: 'object-differs',
      message: expect.stringMatching(
        /^mm\/sum\.o in .* not what its vmlinux was linked from: sum\+0x\w+: it has the bytes 08 .*, the kernel's 07 .*register it$/,
      ) as unknown,
      fields: { objectPath: 'mm/sum.o', object: 'vmlinux' },
    });
  });

  test('is compared once: what was found is kept with the kernel build', async () => {
    const kernel = kernelOf('kept');
    await new BuiltOriginals(kernel).prove(indexed('mm/sum.c'));
    rmSync(path.join(kernel.treeDir, 'vmlinux'));
    await expect(new BuiltOriginals(kernel).prove(indexed('mm/sum.c'))).resolves.toMatchObject({ equal: 1 });
  });

  test('nothing is said of what is not linked, nor where objtool changed vmlinux as a whole', async () => {
    const kernel = kernelOf('unsaid');
    await expect(new BuiltOriginals(kernel).prove(indexed('lib/spare.c'))).resolves.toBeUndefined();
    const whole = { ...kernel, delayedObjtool: '--ibt' };
    await expect(new BuiltOriginals(whole).prove(indexed('mm/sum.c'))).resolves.toBeUndefined();
  });
});
