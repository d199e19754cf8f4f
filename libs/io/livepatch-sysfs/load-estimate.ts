// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { KernelRoots } from './sysfs-view';

/** What a load asks of the kernel while its system call goes on; nothing can be taken back before it returns. */
export interface LoadEstimate {
  /** Symbols that the livepatch core looks up by name. */
  readonly lookups: number;
  readonly expectedMs: number;
}

/** A load without look-ups may take so long: on a busy host the kernel's locks alone take seconds. */
const leastLoadMs = 60_000;
/** What was measured was measured on a host that may do more while it loads. */
const slack = 4;

/** How long a load may take before the kernel is asked what became of it. */
export const loadLimitMs = (expectedMs: number): number => leastLoadMs + slack * expectedMs;

/** Going through all symbols without writing them out takes less than reading them as text; by how much is a guess, and `slack` is for it. */
const walkShare = 0.35;

/** Since 6.2 the core finds a symbol without going through all of them. */
function walksAllSymbols(release: string): boolean {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(major) * 1000 + Number(minor) < 6002;
}

/** The patched core: for relocations, for functions, for other names of these, and for what bears such a name. */
const mostWalksInOnePass = 4;

/** How often the kernel goes through all of its symbols. @param inOnePass it looks many up at a time, as the patched core does */
export function walksOfSymbols(release: string, lookups: number, inOnePass: boolean): number {
  if (!walksAllSymbols(release)) return 0;
  return inOnePass ? Math.min(lookups, mostWalksInOnePass) : lookups;
}

/** Measured here and now, for it is the same work: going through all symbols of this kernel on this machine. */
export async function estimateLoad(roots: KernelRoots, lookups: number, walks: number): Promise<LoadEstimate> {
  if (walks === 0) return { lookups, expectedMs: 0 };
  const begun = performance.now();
  await readFile(path.join(roots.proc, 'kallsyms')).catch(() => undefined);
  return { lookups, expectedMs: Math.round((performance.now() - begun) * walkShare * walks) };
}
