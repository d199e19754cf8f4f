// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseElf, symbolType } from '@lockstep/domain/elf';
import { addNewObjects, type NewObject } from './new-objects';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lockstep-new-objects-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

function compile(name: string, source: string, object = 'vmlinux'): NewObject {
  const [from, to] = [join(dir, `${name}.c`), join(dir, `${name}.o`)];
  writeFileSync(from, source);
  execFileSync('gcc', ['-O1', '-ffunction-sections', '-c', '-o', to, from]);
  return { indexed: { path: `fs/${name}.o`, source: `fs/${name}.c`, object }, patched: readFileSync(to) };
}

function contentOf(object: NewObject | undefined): { functions: string[]; files: string[]; texts: string[] } {
  const { symbols, sections } = parseElf(object!.patched, 'joined');
  const named = (type: number): string[] =>
    Array.from({ length: symbols.count }, (_, symbol) => symbol)
      .filter((symbol) => symbols.type(symbol) === type)
      .map((symbol) => symbols.name(symbol))
      .sort();
  const texts = sections.map(({ name }) => name).filter((name) => name.startsWith('.text.'));
  return { functions: named(symbolType.function), files: named(symbolType.file), texts };
}

const helper = 'static int __attribute__((noinline)) helper(int x) { return x * 3; }\n';

test('what is new goes along with who uses it, also through another; what nobody uses stays out', async () => {
  const user = compile('user', `int extra(int);\n${helper}int use(int x) { return extra(helper(x)); }\n`);
  const extra = compile('extra', `int deeper(int);\n${helper}int extra(int x) { return deeper(helper(x)); }\n`);
  const deeper = compile('deeper', 'int deeper(int x) { return x + 1; }\n');
  const unused = compile('unused', 'int unused(int x) { return x; }\n');
  const other = compile('other', 'int other(void) { return 1; }\n');
  const [joined, untouched, ...rest] = await addNewObjects([user, other], [deeper, unused, extra]);
  expect(rest).toEqual([]);
  expect(untouched).toBe(other);
  const { functions, files, texts } = contentOf(joined);
  expect(functions).toEqual(['deeper', 'extra', 'helper', 'helper', 'use']);
  // Two sections of one name: each function can be taken by itself.
  expect(texts.filter((name) => name === '.text.helper')).toHaveLength(2);
  expect(files).toEqual(['user.c']);
});

test('a new object of a module is not joined to vmlinux', async () => {
  const user = compile('user', 'int extra(int);\nint use(int x) { return extra(x); }\n');
  const extra = compile('extra', 'int extra(int x) { return x; }\n', 'some_module');
  expect(await addNewObjects([user], [extra])).toEqual([user]);
});

test('what a new file registers is refused by its own name, used or not; what it exports is no registration', async () => {
  const user = compile('user', 'int use(int x) { return x; }\n');
  const registering = compile(
    'registering',
    'static int begin(void) { return 0; }\nstatic int (*const entry)(void) __attribute__((section(".initcall6.init"), used)) = begin;\n',
  );
  await expect(addNewObjects([user], [registering])).rejects.toMatchObject({
    reason: 'registration-changed',
    message: expect.stringMatching(/^fs\/registering\.c is new, and what it registers in \.initcall6\.init \(entry\)/),
    fields: { object: 'fs/registering.o', file: 'fs/registering.c', section: '.initcall6.init' },
  });
  const exporting = compile(
    'exporting',
    'int extra(void) { return 0; }\nstatic int (*const entry)(void) __attribute__((section("___ksymtab+extra"), used)) = extra;\n',
  );
  expect(await addNewObjects([user], [exporting])).toEqual([user]);
});
