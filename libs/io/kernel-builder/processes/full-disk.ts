// SPDX-License-Identifier: GPL-2.0-only
import { errorCode } from '@lockstep/platform/runtime';
import { buildError } from './failure';

/** What tar, dpkg, apt, make and compilers say of a disk that takes a part of a block, nothing, or nothing more of this user. */
const words = /.*(?:No space left on device|Disk quota exceeded|Wrote only \d+ of|have enough free space).*/;

/** The line that says so in what a program printed; undefined where the disk is not full. */
export const fullDiskLine = (text: string): string | undefined => words.exec(text)?.[0].trim();

/**
 * Work that fills a disk fails somewhere in the middle, through whatever was just running: nobody's source or packages are
 * to blame for it.
 * @param dir where most of what is written goes
 * @throws LockstepError `disk-full` instead of what the work threw, if that came of it
 */
export async function tellingFullDisk<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const text = String((error as Partial<Error> | undefined)?.message);
    const isFull = ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '');
    const said = fullDiskLine(text) ?? (isFull ? text : undefined);
    if (said === undefined) throw error;
    throw buildError({ kind: 'disk-full', dir, said }, { cause: error });
  }
}
