// SPDX-License-Identifier: GPL-2.0-only
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

/** Of those that have not ended. */
const running = new Set<ChildProcess>();

/** Starts a program in a process group of its own, so that all that it starts ends with it. */
export function spawnGroup(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, args, { ...options, detached: true });
  running.add(child);
  const forget = (): void => {
    running.delete(child);
  };
  child.once('exit', forget);
  child.once('error', forget);
  return child;
}

/** Kills a program that was started as a group, and all that it started. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/** For whoever ends at once: a terminal's interrupt does not reach groups of their own, and they would compile on. */
export function endProcessGroups(): void {
  for (const child of running) killGroup(child);
}
