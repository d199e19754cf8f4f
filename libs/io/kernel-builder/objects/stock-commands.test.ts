// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { makeDependencyIndex, type IndexedObject } from '@lockstep/domain/source-patch';
import { saveCommands } from './stock-commands';
import { noTables } from './tests/no-tables';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-commands-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const treeDir = path.join(dir, 'tree');
mkdirSync(path.join(treeDir, 'fs'), { recursive: true });
// What `make -n` shows of a kernel's build: the command is handed to the program that saves it.
writeFileSync(
  path.join(treeDir, 'Makefile'),
  `fs/tree.o: fs/tree.asn1.h
%.asn1.h:
\t./generate $@
%.o: %.c
\tset -e; gcc -c -o $@ $<; scripts/basic/fixdep $(@D)/.$(@F).d $@ 'gcc -c -o $@ $<' > $(@D)/.$(@F).cmd
`,
);
const objects: IndexedObject[] = ['open', 'tree'].map((name) => {
  return { path: `fs/${name}.o`, source: `fs/${name}.c`, object: 'vmlinux' };
});
for (const { source } of objects) writeFileSync(path.join(treeDir, source), 'int used;\n');
const index = makeDependencyIndex(
  objects.map((object) => ({ ...object, dependencies: object.path === 'fs/tree.o' ? ['fs/tree.asn1.h'] : [] })),
  {},
);
const tools = { compiler: 'gcc', makeArguments: [] };
const stock = { distribution: 'debian', tools, remarks: [] };
const kernel = {
  dir,
  treeDir,
  registeredAtMs: Date.now(),
  release: '6.1.0-50-cloud-amd64',
  facts: { tables: noTables },
  compiler: 'gcc-12 (Debian 12.2.0-14) 12.2.0',
  tools,
  stock,
  index,
};

test('an object that reads what its build has yet to generate has no command that could be run', async () => {
  await expect(saveCommands(kernel, objects)).resolves.toEqual([objects[1]]);
  expect(readFileSync(path.join(treeDir, 'fs/.open.o.cmd'), 'latin1')).toContain(
    'cmd_fs/open.o := gcc -c -o fs/open.o',
  );
  writeFileSync(path.join(treeDir, 'fs/tree.asn1.h'), '');
  await expect(saveCommands(kernel, objects)).resolves.toEqual([]);
  expect(readFileSync(path.join(treeDir, 'fs/.tree.o.cmd'), 'latin1')).toContain('fs/tree.asn1.h');
});
