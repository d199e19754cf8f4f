// SPDX-License-Identifier: GPL-2.0-only
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { KernelBuild } from '@lockstep/io/kernel-builder';
import type { ChangedFile } from './clusters';

/** The sources of a kernel build that another tree has differently; what the build does not read is left out. */
export function differenceOf({ index, treeDir }: KernelBuild, otherDir: string): ChangedFile[] {
  return (
    Object.keys(index.readers)
      // Our own series changes the livepatch core.
      .filter((file) => /\.[ch]$/.test(file) && !file.startsWith('kernel/livepatch/') && !/\/generated\//.test(file))
      .filter((file) => existsSync(path.join(treeDir, file)) && existsSync(path.join(otherDir, file)))
      .sort()
      .flatMap((file) => changeOf(file, treeDir, otherDir))
  );
}

function changeOf(file: string, treeDir: string, otherDir: string): ChangedFile[] {
  const [from, to] = [path.join(treeDir, file), path.join(otherDir, file)];
  const oldBytes = readFileSync(from);
  if (oldBytes.equals(readFileSync(to))) return [];
  const { stdout, status } = spawnSync('diff', ['-u', '--label', `a/${file}`, '--label', `b/${file}`, from, to], {
    encoding: 'latin1',
    maxBuffer: 64 << 20,
  });
  if (status !== 1) throw new Error(`diff ${from} ${to} ended with status ${String(status)}`);
  return [{ path: file, oldText: oldBytes.toString('latin1'), diff: stdout }];
}
