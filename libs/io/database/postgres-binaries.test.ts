// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { restoreLinks } from './postgres-binaries';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lockstep-links-'));
  await mkdir(path.join(folder, 'native/lib'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

test('the links that npm does not carry are made, beside those that are there', async () => {
  const links = [
    { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
    { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
  ];
  await writeFile(path.join(folder, 'native/pg-symlinks.json'), JSON.stringify(links));
  await restoreLinks(folder);
  await rm(path.join(folder, 'native/lib/libpq.so'));
  await restoreLinks(folder);
  for (const { target } of links) expect(await readlink(path.join(folder, target))).toBe('libpq.so.5.18');
});

test('a package without a list has its links already', async () => {
  await expect(restoreLinks(folder)).resolves.toBeUndefined();
});
