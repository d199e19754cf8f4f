// SPDX-License-Identifier: GPL-2.0-only
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { exists } from '../processes/stage';

/** What the packages are to blame for that a kernel was registered from; whoever mends them gives them again. */
const reasons = new Set([
  'original-differs',
  'not-in-vendor-kernel',
  'file-broken',
  'malformed-elf',
  'debug-file-differs',
]);

const markOf = (dir: string): string => join(dir, 'doubted');

/**
 * Does the work; where it is refused for what the kernel was registered from, that is noted: the kernel is known by its
 * build-id, by which mended packages are the same as those before.
 * @param dir the kernel build's own in the cache
 */
export async function notingDoubt<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LockstepError && reasons.has(error.reason)) await writeFile(markOf(dir), '');
    throw error;
  }
}

/** Whether what it was registered from is to be read again when it is given again. */
export const isDoubted = async (dir: string): Promise<boolean> => exists(markOf(dir));
