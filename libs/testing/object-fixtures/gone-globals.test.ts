// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { diffObjects } from '@lockstep/domain/object-diff';
import { refuseGoneGlobals } from '@lockstep/io/kernel-builder';
import { compileC, fixtureTables } from './index';

const treeDir = mkdtempSync(join(tmpdir(), 'lockstep-gone-globals-'));
afterAll(() => {
  rmSync(treeDir, { recursive: true });
});

function compile(name: string, text: string, ...flags: string[]): Uint8Array {
  writeFileSync(join(treeDir, `${name}.c`), text);
  return compileC(join(treeDir, `${name}.c`), ...flags);
}

const own = `int other(int value);
#ifndef PATCHED
int arch_hook(int value) { return other(value); }
#endif
int work(int value) { return other(value) + 1; }
`;
const diff = diffObjects({
  original: compile('own', own),
  patched: compile('own', own, '-DPATCHED'),
  objectPath: 'own.o',
  tables: fixtureTables,
});

const compared = [{ object: 'vmlinux', diff }];
const notAsked = () => Promise.reject(new Error('there is an object'));

/** A kernel of the patched object and another one. */
const kernelWith = (name: string, object = 'vmlinux') => ({
  treeDir,
  index: {
    objects: [
      { path: 'own.o', source: 'own.c', object: 'vmlinux' },
      { path: `${name}.o`, source: `${name}.c`, object },
    ],
    readers: {},
    generates: {},
  },
});

function withObject(name: string, text: string) {
  writeFileSync(join(treeDir, `${name}.o`), compile(name, text));
  return kernelWith(name);
}

describe('a function that is gone from its object', () => {
  test.each([
    ['defines it weakly', 'weak', '__attribute__((weak)) int arch_hook(int value) { return value; }'],
    ['calls it', 'caller', 'int arch_hook(int value); int caller(int value) { return arch_hook(value) + 1; }'],
    [
      'names it after one that ends like it',
      'longer',
      'int arch_hook(int); int my_arch_hook(int value) { return arch_hook(value) + 1; }',
    ],
  ])('is refused where another object %s', async (_, name, text) => {
    await expect(refuseGoneGlobals(withObject(name, text), compared, notAsked)).rejects.toMatchObject({
      reason: 'gone-global',
      fields: { object: 'own.o', function: 'arch_hook', by: `${name}.o` },
    });
  });

  test('is let go where nobody names it, or has a static one of its own', async () => {
    const text =
      'static __attribute__((noinline)) int arch_hook(int v) { return v; } int user(int v) { return arch_hook(v); }';
    await refuseGoneGlobals(withObject('stranger', text), compared, notAsked);
  });

  test('is let go where another module has its own', async () => {
    withObject('module', 'int arch_hook(int value) { return value + 1; }');
    await refuseGoneGlobals(kernelWith('module', 'module'), compared, notAsked);
  });

  test('is looked for in the source of an object that was not compiled yet, and then in what that becomes', async () => {
    const open = (text: string): Promise<void> => {
      writeFileSync(join(treeDir, 'open.c'), text);
      return refuseGoneGlobals(kernelWith('open'), compared, () => Promise.resolve().then(() => compile('open', text)));
    };
    await expect(open('int arch_hook(int v); int user(int v) { return arch_hook(v); }')).rejects.toMatchObject({
      reason: 'gone-global',
    });
    await open('struct hooks { int arch_hook; }; int user(struct hooks *hooks) { return hooks->arch_hook; }');
    await expect(open('int arch_hook(int v); what does not compile')).rejects.toMatchObject({ reason: 'gone-global' });
  });

  test('is not looked for behind a source that has it in comments alone', async () => {
    writeFileSync(join(treeDir, 'open.c'), '/* as arch_hook() does */ int user(int v) { return v; } // arch_hook');
    await refuseGoneGlobals(kernelWith('open'), compared, notAsked);
  });
});
