// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { unlessGone, type KernelRoots } from './sysfs-view';

// The patched core takes a system-wide transition back by itself, after some time or some attempts. Both limits hold for
// every livepatch (Documentation/ABI/testing/sysfs-kernel-livepatch-consistency).

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

/** The kernel waits a second at most before it tries again: so many attempts do not end before the time does. */
const attemptsWithin = (limitMs: number): number => Math.ceil(limitMs / 1000) + 10;

/** While `work` makes a transition, `limitMs` is the kernel's own limit too: it holds even if this process dies. */
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
