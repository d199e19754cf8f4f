// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * The modules that a finished build made, by their names, each a whole path. `modules.order` lists them:
 * `fs/overlayfs/overlay.ko` on 5.15, `….o` later.
 */
export async function builtModules(treeDir: string): Promise<Map<string, string>> {
  const order = await readFile(join(treeDir, 'modules.order'), 'utf8').catch(() => '');
  const paths = order.split('\n').flatMap((line) => (line === '' ? [] : [line.replace(/\.k?o$/, '')]));
  return new Map(paths.map((path) => [basename(path).replaceAll('-', '_'), join(treeDir, `${path}.ko`)]));
}
