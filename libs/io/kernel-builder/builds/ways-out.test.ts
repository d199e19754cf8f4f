// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { refuseWaysOut } from './ways-out';

let dir = '';
let [tree, original] = ['', ''];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lockstep-ways-'));
  [tree, original] = ['tree', 'original'].map((name) => join(dir, name)) as [string, string];
  for (const one of [tree, original]) {
    mkdirSync(join(one, 'scripts/dtc'), { recursive: true });
    writeFileSync(join(one, 'Makefile'), '');
    // What distributions' trees have: into the tree, to nowhere, and out of it.
    symlinkSync('../Makefile', join(one, 'scripts/inside'));
    symlinkSync('../../gone', join(one, 'scripts/dtc/dangling'));
    symlinkSync('/usr/include', join(one, 'outside'));
  }
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

test('a tree may keep the links that it came with, and have new ones into itself', async () => {
  symlinkSync('dtc', join(tree, 'scripts/new'));
  await expect(refuseWaysOut(tree, original)).resolves.toBeUndefined();
});

test.each<[string, () => void]>([
  [
    'a new link that leads out',
    () => {
      symlinkSync('../../original/Makefile', join(tree, 'scripts/out'));
    },
  ],
  [
    'a new link to nowhere',
    () => {
      symlinkSync('/nowhere/file', join(tree, 'scripts/out'));
    },
  ],
  [
    'a link of the tree that leads elsewhere now',
    () => {
      rmSync(join(tree, 'outside'));
      symlinkSync('/etc', join(tree, 'outside'));
    },
  ],
  [
    'a folder that became one',
    () => {
      rmSync(join(tree, 'scripts/dtc'), { recursive: true });
      symlinkSync(original, join(tree, 'scripts/dtc'));
    },
  ],
  [
    'a pipe',
    () => {
      execFileSync('mkfifo', [join(tree, 'scripts/pipe')]);
    },
  ],
])('%s is refused', async (_, make) => {
  make();
  await expect(refuseWaysOut(tree, original)).rejects.toMatchObject({ reason: 'leads-outside' });
});
