// SPDX-License-Identifier: GPL-2.0-only
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod/mini';
import type { Consistency } from '@lockstep/domain/load-order';
import { livepatchFolder, observePatches, unlessGone, type KernelRoots } from './sysfs-view';

// How a livepatch is switched, and after how much time or how many attempts the patched core takes a system-wide
// transition back by itself (Documentation/ABI/testing/sysfs-kernel-livepatch-consistency).
//
// In the core as it is this belongs to the livepatch: parameters when it is loaded, files of its own later. Earlier patched
// cores have it once for all.

export type WriteAttribute = (file: string, text: string) => Promise<void>;

const kernelLimits = z.object({ timeoutMs: z.int(), attempts: z.int() });
type KernelLimits = Readonly<z.infer<typeof kernelLimits>>;

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

/** What the limits were before they were changed for one transition; goes with the boot that they are of. */
const noteFile = (roots: KernelRoots): string => path.join(roots.run, 'lockstep/livepatch-limits.json');

async function readNote(roots: KernelRoots): Promise<KernelLimits | undefined> {
  const text = await unlessGone(readFile(noteFile(roots), 'utf8'));
  return text === undefined ? undefined : kernelLimits.parse(JSON.parse(text));
}

/** Whole or not there: this process may be killed at any moment. */
async function writeNote(roots: KernelRoots, limits: KernelLimits): Promise<void> {
  const file = noteFile(roots);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(limits));
  await rename(`${file}.new`, file);
}

/**
 * For a core whose limits hold for all: while `work` makes a transition, `limitMs` is the kernel's own limit too: it holds
 * even if this process dies. Whoever comes next then puts back what was set before.
 */
export async function withKernelLimit<T>(
  roots: KernelRoots,
  write: WriteAttribute,
  limitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const before = (await readNote(roots)) ?? (await readLimits(roots));
  if (before === undefined) return work();
  const attempts = Math.max(before.attempts, attemptsWithin(limitMs));
  await writeNote(roots, before);
  await writeLimits(roots, write, { timeoutMs: limitMs, attempts });
  try {
    return await work();
  } finally {
    await restoreKernelLimit(roots, write);
  }
}

/** Not while a transition goes on: the core counts its attempts against what is set now. */
export async function restoreKernelLimit(roots: KernelRoots, write: WriteAttribute): Promise<void> {
  const before = await readNote(roots);
  if (before === undefined || (await observePatches(roots)).some(({ transition }) => transition)) return;
  await writeLimits(roots, write, before);
  await rm(noteFile(roots), { force: true });
}
