// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export const exerciseFolder = (root: string): string => path.join(root, 'tools/real-fixes/exercise');

/** exercise.pl and its ways. */
export async function exerciseFiles(root: string): Promise<string[]> {
  const folder = exerciseFolder(root);
  return (await readdir(folder)).sort().map((name) => path.join(folder, name));
}

/** Which exercise it is: what ran under another one says nothing of this one. */
export async function exerciseId(root: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of await exerciseFiles(root)) hash.update(await readFile(file));
  return hash.digest('hex');
}
