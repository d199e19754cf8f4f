// SPDX-License-Identifier: GPL-2.0-only
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { unlessGone, type KernelRoots } from './sysfs-view';

/** Enough to see the pattern; a stuck transition may have thousands. */
const shownTasks = 8;

/**
 * Threads that a transition waits for, as `pid (comm)`: those whose /proc/<pid>/task/<tid>/patch_state is not yet
 * `target` (1 while enabling, 0 while disabling).
 */
export async function blockingTasks(roots: KernelRoots, target: 0 | 1): Promise<string[]> {
  const blocking: string[] = [];
  const pids = (await readdir(roots.proc)).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const taskFolder = path.join(roots.proc, pid, 'task');
    for (const tid of (await unlessGone(readdir(taskFolder))) ?? []) {
      const state = await unlessGone(readFile(path.join(taskFolder, tid, 'patch_state'), 'latin1')).catch(
        () => undefined,
      );
      if (state === undefined || Number(state) === target) continue;
      const comm = await unlessGone(readFile(path.join(taskFolder, tid, 'comm'), 'latin1')).catch(() => undefined);
      blocking.push(`${tid} (${comm?.trim() ?? '?'})`);
      if (blocking.length === shownTasks) return blocking;
    }
  }
  return blocking;
}
