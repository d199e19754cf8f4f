// SPDX-License-Identifier: GPL-2.0-only
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Obstacle } from '@lockstep/domain/livepatch-model';
import { controlGroups, type Mount } from './mounts';
import { readIfTold, unlessGone, type KernelRoots } from './sysfs-view';

/** Frozen groups at and below `folder`; what is below a frozen one is frozen with it. */
async function frozenBelow(top: Mount, folder: string): Promise<Obstacle[]> {
  const state = (await readIfTold(path.join(folder, 'freezer.state')))?.trim() ?? 'THAWED';
  const entries = (await unlessGone(readdir(folder, { withFileTypes: true }))) ?? [];
  if (state !== 'THAWED') {
    const tasks = ((await readIfTold(path.join(folder, 'tasks'))) ?? '').split('\n').filter((line) => line !== '');
    const by = `${path.join(folder, 'freezer.state')} says ${state}, ${tasks.length} tasks`;
    return [{ kind: 'frozen-tasks', at: path.join(top.root, path.relative(top.folder, folder)), by }];
  }
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(folder, name));
  return (await Promise.all(below.map((each) => frozenBelow(top, each)))).flat();
}

/** Control groups that version 1's freezer holds: their tasks do not run, whoever signals them, and stay where they are. */
export async function frozenGroups(roots: KernelRoots): Promise<Obstacle[]> {
  const top = await controlGroups(roots, 1);
  return top === undefined ? [] : frozenBelow(top, top.folder);
}

/**
 * Whether version 2's freezer holds this group: its tasks sleep on their way to user space, in no function that is likely to
 * be changed, and no signal takes them out of there.
 */
export async function isFrozenByVersion2(roots: KernelRoots, group: string): Promise<boolean> {
  const top = await controlGroups(roots, 2);
  if (top === undefined) return false;
  const events = await readIfTold(path.join(top.folder, path.relative(top.root, group), 'cgroup.events'));
  return /^frozen 1$/m.test(events ?? '');
}
