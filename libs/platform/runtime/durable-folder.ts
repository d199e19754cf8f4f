// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from './error-code';

/** Makes the names in a folder as durable as its files: a rename, a new file or a new folder counts only after this. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder above ours that others own may be closed for reading; then its name is as durable as they made it. */
async function syncIfReadable(folder: string, sync: typeof syncFolder): Promise<void> {
  await sync(folder).catch((error: unknown) => {
    if (errorCode(error) !== 'EACCES') throw error;
  });
}

/**
 * Makes a folder for its owner alone, and those above it that are missing; on disk when it returns, for a file in a
 * folder that a power cut takes away is lost however well it was written. One that is there keeps its mode; its name is
 * synced all the same, since whoever made it may have been killed before.
 */
export async function makeFolder(folder: string, sync: typeof syncFolder = syncFolder): Promise<void> {
  const target = path.resolve(folder);
  const topmost = (await mkdir(target, { recursive: true, mode: 0o700 })) ?? target;
  for (let made = target; ; made = path.dirname(made)) {
    await syncIfReadable(path.dirname(made), sync);
    if (made === topmost || made === path.dirname(made)) return;
  }
}
