// SPDX-License-Identifier: GPL-2.0-only
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Blocker } from '@lockstep/domain/node-state';
import { unlessGone, type KernelRoots } from './sysfs-view';

/** Enough to see the pattern; a stuck transition may have thousands. */
const shownTasks = 8;

/** With a look every ten seconds about half a per cent of a processor. */
const threadsALook = 1000;

/** Where the looks at a host's threads have come to. */
export interface Round {
  lastPid: number;
  turn: number;
}

/** The next part of a process that has more threads than one look takes. */
function partOf(tids: readonly string[], { turn }: Round): readonly string[] {
  if (tids.length <= threadsALook) return tids;
  const from = (turn * threadsALook) % tids.length;
  return tids.slice(from, from + threadsALook);
}

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
  // Code of another livepatch may lie nearer than what is switched.
  const found =
    frames.find(([, name = '']) => functions.has(name)) ?? frames.find(([, , module = '']) => modules.has(module));
  return found?.[1] ?? '';
}

/**
 * Some threads that a transition waits for, with the function that each is in: those whose
 * /proc/<pid>/task/<tid>/patch_state is not yet `target` (1 while enabling, 0 while disabling).
 * Of a host with very many threads each call looks at the next part only, and the calls go round: a look must not cost
 * what a production host notices.
 */
export async function blockingTasks(
  roots: KernelRoots,
  target: 0 | 1,
  switched: Switched,
  round: Round = { lastPid: 0, turn: 0 },
): Promise<Blocker[]> {
  const blocking: Blocker[] = [];
  const all = (await readdir(roots.proc)).filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
  const next = Math.max(
    0,
    all.findIndex((pid) => Number(pid) > round.lastPid),
  );
  let looked = 0;
  round.turn += 1;
  for (const pid of [...all.slice(next), ...all.slice(0, next)]) {
    if (looked >= threadsALook) return blocking;
    round.lastPid = Number(pid);
    const taskFolder = path.join(roots.proc, pid, 'task');
    for (const tid of partOf((await unlessGone(readdir(taskFolder))) ?? [], round)) {
      looked += 1;
      const state = await unlessGone(readFile(path.join(taskFolder, tid, 'patch_state'), 'latin1')).catch(
        () => undefined,
      );
      // -1: the transition has ended meanwhile.
      if (state === undefined || Number(state) !== 1 - target) continue;
      const comm = await unlessGone(readFile(path.join(taskFolder, tid, 'comm'), 'utf8')).catch(() => undefined);
      const place = await whereabouts(path.join(taskFolder, tid), switched);
      blocking.push({ pid: Number(tid), comm: comm?.trim() ?? '?', function: place });
      if (blocking.length === shownTasks) return blocking;
    }
  }
  return blocking;
}
