// SPDX-License-Identifier: GPL-2.0-only
import { readdir, readlink, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { buildError } from '../processes/failure';

/**
 * After something that a diff had a word in has written into a tree: nothing there may lead whoever reads or writes it out
 * of the tree, or keep a reader waiting for ever; links that the tree came with stay.
 * @param originalDir the tree that it is a copy of
 * @throws LockstepError `leads-outside`
 */
export async function refuseWaysOut(treeDir: string, originalDir: string): Promise<void> {
  const root = await realpath(treeDir);
  const visit = async (below: string): Promise<void> => {
    const folders: string[] = [];
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      const path = join(below, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isSymbolicLink()) await refuseLinkOut(root, path, originalDir);
      else if (!entry.isFile()) throw buildError({ kind: 'leads-outside', file: path, found: 'not a plain file' });
    }
    await Promise.all(folders.map(visit));
  };
  await visit('');
}

async function refuseLinkOut(root: string, path: string, originalDir: string): Promise<void> {
  const [found, before] = await Promise.all(
    [root, originalDir].map(async (dir) => readlink(join(dir, path)).catch(() => undefined)),
  );
  if (found === before) return;
  // One that leads nowhere is read by nobody; written through it would make a file where it points to.
  const target = await realpath(join(root, path)).catch(() => '');
  const isInside = target !== '' && !relative(root, target).startsWith('..');
  if (!isInside) throw buildError({ kind: 'leads-outside', file: path, found: 'a link that leads out of it' });
}
