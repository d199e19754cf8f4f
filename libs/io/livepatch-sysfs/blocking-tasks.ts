// SPDX-License-Identifier: GPL-2.0-only
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Blocker } from '@lockstep/domain/node-state';
import { unlessGone, type KernelRoots } from './sysfs-view';

/** Enough to see the pattern; a stuck transition may have thousands. */
const shownTasks = 8;

/** A line of /proc/<pid>/stack, innermost first: `[<0>] meminfo_proc_show+0x10/0x20`, `… [module]` where it is in one. */
const frame = /^\[<[^>]*>\] ([^+\s]+)\S*(?: \[([^\]\s]+)\])?/;

/** What tells where a task is: functions that are being switched, and modules that hold replacements of functions. */
export interface Switched {
  readonly functions: ReadonlySet<string>;
  readonly modules: ReadonlySet<string>;
}

/** The function, old or new, that the thread is in; empty where its stack does not tell. */
async function whereabouts(taskFolder: string, { functions, modules }: Switched): Promise<string> {
  const stack = await unlessGone(readFile(path.join(taskFolder, 'stack'), 'latin1')).catch(() => undefined);
  const frames = (stack ?? '').split('\n').map((line) => frame.exec(line) ?? []);
  return frames.find(([, name = '', module = '']) => functions.has(name) || modules.has(module))?.[1] ?? '';
}

/**
 * Threads that a transition waits for, with the function that each is in: those whose
 * /proc/<pid>/task/<tid>/patch_state is not yet `target` (1 while enabling, 0 while disabling).
 */
export async function blockingTasks(roots: KernelRoots, target: 0 | 1, switched: Switched): Promise<Blocker[]> {
  const blocking: Blocker[] = [];
  const pids = (await readdir(roots.proc)).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const taskFolder = path.join(roots.proc, pid, 'task');
    for (const tid of (await unlessGone(readdir(taskFolder))) ?? []) {
      const state = await unlessGone(readFile(path.join(taskFolder, tid, 'patch_state'), 'latin1')).catch(
        () => undefined,
      );
      if (state === undefined || Number(state) === target) continue;
      const comm = await unlessGone(readFile(path.join(taskFolder, tid, 'comm'), 'latin1')).catch(() => undefined);
      const place = await whereabouts(path.join(taskFolder, tid), switched);
      blocking.push({ pid: Number(tid), comm: comm?.trim() ?? '?', function: place });
      if (blocking.length === shownTasks) return blocking;
    }
  }
  return blocking;
}
