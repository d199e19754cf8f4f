// SPDX-License-Identifier: GPL-2.0-only
import { rm, writeFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** What the system calls them says nothing to whoever typed the file's name. */
const faults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EEXIST: 'it is there already, and is not written over: choose another name',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  EACCES: 'you have no right to it',
  EPERM: 'you have no right to it',
  EROFS: 'its file system cannot be written to',
  ENOSPC: 'its disk is full',
  EDQUOT: 'your quota of its disk is used up',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links lead in a circle',
};

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException | undefined)?.code ?? '';

/** Why a file could not be read or written, to stand after a colon. */
export const fileFault = (cause: unknown): string =>
  faults[codeOf(cause)] ?? (cause instanceof Error ? cause.message : String(cause));

/** An error of the file system that nobody has put into words yet; any other as it is. */
export function inWords(error: unknown): unknown {
  const fault = faults[codeOf(error)];
  if (fault === undefined || (error as NodeJS.ErrnoException).syscall === undefined) return error;
  const { path: file = 'A file' } = error as NodeJS.ErrnoException;
  return new LockstepError('invalid-input', 'file-unusable', `${file}: ${fault}.`, { file }, { cause: error });
}

/** Writes a file that is not there yet: whole, or it is not there afterwards either. */
export async function writeNewFile(file: string, text: string, mode: number): Promise<void> {
  await writeFile(file, text, { mode, flag: 'wx' }).catch(async (cause: unknown) => {
    if (codeOf(cause) !== 'EEXIST') await rm(file, { force: true }).catch(() => undefined);
    const message = `${file} cannot be written: ${fileFault(cause)}.`;
    throw new LockstepError('invalid-input', 'output-unwritable', message, { file }, { cause });
  });
}
