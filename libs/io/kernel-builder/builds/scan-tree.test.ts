// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { scanBuiltTree } from './scan-tree';

test('objects that the Makefile alone says are linked into vmlinux, and such as two modules share', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lockstep-scan-'));
  try {
    const put = async (path: string, text: string): Promise<void> => {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    };
    await put('drivers/one.mod', 'arch/x86/kernel/shared.o\n');
    await put('drivers/two.mod', 'drivers/two_main.o\narch/x86/kernel/shared.o\n');
    await put('arch/x86/Makefile', 'head-y := a.o arch/x86/kernel/head$(BITS).o\nhead-y += arch/x86/kernel/ebda.o\n');
    for (const name of ['head64', 'ebda', 'other', 'shared']) {
      const object = `arch/x86/kernel/${name}`;
      const saved = `cmd_${object}.o := gcc -c -o ${object}.o ${object}.c\n\nsource_${object}.o := ${object}.c\n`;
      await put(`arch/x86/kernel/.${name}.o.cmd`, saved);
    }
    const { objects } = await scanBuiltTree(dir);
    expect(objects.map(({ path, object }) => [path, object])).toEqual([
      ['arch/x86/kernel/ebda.o', 'vmlinux'],
      ['arch/x86/kernel/head64.o', 'vmlinux'],
      ['arch/x86/kernel/other.o', null],
      ['arch/x86/kernel/shared.o', 'one'],
    ]);
    expect(objects.map(({ alsoIn }) => alsoIn)).toEqual([undefined, undefined, undefined, ['two']]);
  } finally {
    await rm(dir, { recursive: true });
  }
});
