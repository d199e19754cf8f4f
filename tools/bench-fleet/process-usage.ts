// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: the same on all Linux machines, whatever the kernel's own is. */
const ticksPerSecond = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly ownSeconds: number;
  /** Of children that have ended. */
  readonly reapedSeconds: number;
}

function timesOf(pid: number): ProcessTimes | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the command's name, which may hold anything: state, ppid, ... utime, stime, cutime, cstime.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    return {
      parent: fields[1] ?? 0,
      ownSeconds: (utime + stime) / ticksPerSecond,
      reapedSeconds: (cutime + cstime) / ticksPerSecond,
    };
  } catch {
    return undefined;
  }
}

/** CPU that a process has used, in seconds; 0 when it is gone. */
export const cpuSeconds = (pid: number): number => timesOf(pid)?.ownSeconds ?? 0;

/** The same of a process with all its children: those that live, and those that have ended. */
export function familyCpuSeconds(pid: number): number {
  const own = timesOf(pid);
  if (own === undefined) return 0;
  return own.ownSeconds + own.reapedSeconds + childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), 0);
}

const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && timesOf(Number(name))?.parent === pid)
    .map(Number);

/** 0 when it is gone. */
function statusBytes(pid: number, field: string): number {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return 0;
  }
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

export const residentBytes = (pid: number): number => statusBytes(pid, 'VmRSS');

/** The most that it has ever had. */
export const peakResidentBytes = (pid: number): number => statusBytes(pid, 'VmHWM');

/** What a process and its children have in memory and share with nobody: no files, no shared buffers. */
export const familyOwnBytes = (pid: number): number =>
  [pid, ...childrenOf(pid)].reduce((sum, each) => sum + statusBytes(each, 'RssAnon'), 0);
