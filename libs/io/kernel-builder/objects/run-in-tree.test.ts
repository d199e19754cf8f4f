// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { makeInTree } from './run-in-tree';

test('a file is made of one whose name goes on from its own, and what an earlier run left is not there', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lockstep-tree-'));
  try {
    await mkdir(join(dir, 'kernel'));
    await writeFile(join(dir, 'kernel/vmlinux.lds.S'), 'SECTIONS');
    await writeFile(join(dir, 'kernel/vmlinux.lds'), 'of an earlier run');
    const command = 'test ! -e kernel/vmlinux.lds; cat kernel/vmlinux.lds.S >kernel/vmlinux.lds';
    const { bytes, output } = await makeInTree('kernel/vmlinux.lds', { dir, command, what: 'the script' });
    expect({ output, text: bytes?.toString() }).toEqual({ output: '', text: 'SECTIONS' });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
