// SPDX-License-Identifier: GPL-2.0-only
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Obstacle } from '@lockstep/domain/livepatch-model';
import { readIfTold, unlessGone, type KernelRoots } from './sysfs-view';

/** The hierarchy of version 1's freezer, where it is mounted: tasks that it has frozen do not run, whoever signals them. */
async function freezerFolder({ proc }: KernelRoots): Promise<string | undefined> {
  const mounts = (await readIfTold(path.join(proc, 'mounts'))) ?? '';
  for (const line of mounts.split('\n')) {
    const [, folder = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup' && options.split(',').includes('freezer')) return folder;
  }
  return undefined;
}

/** Frozen groups at and below `folder`; what is below a frozen one is frozen with it. */
async function frozenBelow(top: string, folder: string): Promise<Obstacle[]> {
  const state = (await readIfTold(path.join(folder, 'freezer.state')))?.trim() ?? 'THAWED';
  const entries = (await unlessGone(readdir(folder, { withFileTypes: true }))) ?? [];
  if (state !== 'THAWED') {
    const tasks = ((await readIfTold(path.join(folder, 'tasks'))) ?? '').split('\n').filter((line) => line !== '');
    const by = `${path.join(folder, 'freezer.state')} says ${state}, ${tasks.length} tasks`;
    return [{ kind: 'frozen-tasks', at: `/${path.relative(top, folder)}`, by }];
  }
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(folder, name));
  return (await Promise.all(below.map((each) => frozenBelow(top, each)))).flat();
}

/** Control groups that version 1's freezer holds. */
export async function frozenGroups(roots: KernelRoots): Promise<Obstacle[]> {
  const top = await freezerFolder(roots);
  return top === undefined ? [] : frozenBelow(top, top);
}
