// SPDX-License-Identifier: GPL-2.0-only
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Consistency } from '@lockstep/domain/load-order';
import { livepatchFolder, unlessGone, type KernelRoots } from './sysfs-view';

// How a livepatch is switched, and after how much time or how many attempts the patched core takes a system-wide
// transition back by itself (Documentation/ABI/testing/sysfs-kernel-livepatch-consistency).
//
// In the core as it is this belongs to the livepatch: parameters when it is loaded, files of its own later. Earlier patched
// cores have it once for all.

export type WriteAttribute = (file: string, text: string) => Promise<void>;

interface KernelLimits {
  readonly timeoutMs: number;
  readonly attempts: number;
}

const limitFile = (roots: KernelRoots, name: string): string =>
  path.join(roots.sys, 'module/livepatch/parameters', `consistency_${name}`);

/** Undefined where the core has no modes. */
async function readLimits(roots: KernelRoots): Promise<KernelLimits | undefined> {
  const read = (name: string): Promise<string | undefined> => unlessGone(readFile(limitFile(roots, name), 'latin1'));
  const [timeoutMs, attempts] = await Promise.all([read('timeout_ms'), read('attempts')]);
  if (timeoutMs === undefined || attempts === undefined) return undefined;
  return { timeoutMs: Number(timeoutMs), attempts: Number(attempts) };
}

async function writeLimits(roots: KernelRoots, write: WriteAttribute, limits: KernelLimits): Promise<void> {
  await write(limitFile(roots, 'timeout_ms'), `${limits.timeoutMs}\n`);
  await write(limitFile(roots, 'attempts'), `${limits.attempts}\n`);
}

/** What livepatches are told in a word when they are loaded, and their files later. */
export interface SwitchSettings {
  readonly consistency: Consistency;
  readonly limitMs: number;
}

/** Whether mode and limits belong to each livepatch, to all, or the core has no modes. */
export type ConsistencyInterface = 'own' | 'shared' | 'none';

export async function consistencyInterface(roots: KernelRoots): Promise<ConsistencyInterface> {
  const has = async (name: string): Promise<boolean> =>
    (await unlessGone(access(path.join(livepatchFolder(roots), name)).then(() => true))) ?? false;
  if (!(await has('consistency'))) return 'none';
  return (await has('transition_stats')) ? 'shared' : 'own';
}

const ownSettings = ({ consistency, limitMs }: SwitchSettings): (readonly [string, string])[] => [
  ['consistency', consistency],
  ['consistency_timeout_ms', String(limitMs)],
  ['consistency_attempts', String(attemptsWithin(limitMs))],
];

/** For insmod, whatever parameters the module itself has. */
export const settingsAsParameters = (settings: SwitchSettings): string[] =>
  ownSettings(settings).map(([name, value]) => `livepatch.${name}=${value}`);

/** Of a livepatch that is loaded, for its next transition. */
export async function writeOwnSettings(
  patchFolder: string,
  write: WriteAttribute,
  settings: SwitchSettings,
): Promise<void> {
  for (const [name, value] of ownSettings(settings)) await write(path.join(patchFolder, name), `${value}\n`);
}

/** The kernel waits a second at most before it tries again: so many attempts do not end before the time does. */
const attemptsWithin = (limitMs: number): number => Math.ceil(limitMs / 1000) + 10;

/** For a core whose limits hold for all: while `work` makes a transition, `limitMs` is the kernel's own limit too: it holds even if this process dies. */
export async function withKernelLimit<T>(
  roots: KernelRoots,
  write: WriteAttribute,
  limitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const before = await readLimits(roots);
  if (before === undefined) return work();
  const attempts = Math.max(before.attempts, attemptsWithin(limitMs));
  await writeLimits(roots, write, { timeoutMs: limitMs, attempts });
  try {
    return await work();
  } finally {
    await writeLimits(roots, write, before);
  }
}
