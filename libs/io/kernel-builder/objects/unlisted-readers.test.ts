// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { parseCmdFile, type SavedCommand } from '@lockstep/domain/source-patch';
import { savedCommandOf, savedCommandText } from './saved-command';
import { isNoReader, unlistedReaders } from './unlisted-readers';

function saved(...files: string[]): SavedCommand {
  const source = 'fs/tree.c';
  const command = 'gcc -c -o fs/tree.o fs/tree.c';
  const found = parseCmdFile(savedCommandText({ path: 'fs/tree.o', command, source, files }));
  if (found === undefined) throw new Error('a saved command');
  return found;
}

const whole = 'include/linux/kconfig.h';

test('the compiler itself says that an object reads none of the files', () => {
  expect(isNoReader(saved(whole, 'include/linux/fs.h'), ['include/linux/netlink.h'])).toBe(true);
  expect(isNoReader(saved(whole, 'include/linux/netlink.h'), ['include/linux/netlink.h'])).toBe(false);
  expect(isNoReader(saved(whole), ['include/linux/netlink.h', 'fs/tree.c'])).toBe(false);
});

test('a list that is not whole says nothing', () => {
  expect(isNoReader(saved('include/linux/fs.h'), ['include/linux/netlink.h'])).toBe(false);
});

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-readers-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

test('who reads a header is asked once: the lists of its possible readers are not looked through again', async () => {
  const treeDir = path.join(dir, 'tree');
  const index = {
    objects: ['reader', 'other'].map((name) => ({ path: `fs/${name}.o`, source: `fs/${name}.c`, object: 'vmlinux' })),
    readers: {},
  };
  const includes = { 'fs/reader.c': ['linux/tree.h'], 'fs/other.c': ['linux/tree.h'] };
  writeFileSync(path.join(dir, 'includes.json'), JSON.stringify(includes));
  mkdirSync(path.join(treeDir, 'fs'), { recursive: true });
  for (const { path: object, source } of index.objects) {
    const files = object === 'fs/reader.o' ? [whole, 'include/linux/tree.h'] : [whole];
    const text = savedCommandText({ path: object, command: `gcc -c -o ${object} ${source}`, source, files });
    writeFileSync(path.join(treeDir, savedCommandOf(object)), text);
  }
  const kernel = { dir, treeDir, index, stock: {} } as unknown as Parameters<typeof unlistedReaders>[0];
  const readers = await unlistedReaders(kernel, ['include/linux/tree.h']);
  expect(readers.map(({ path: object }) => object)).toEqual(['fs/reader.o']);
  rmSync(treeDir, { recursive: true });
  expect(await unlistedReaders(kernel, ['include/linux/tree.h'])).toEqual(readers);
});
