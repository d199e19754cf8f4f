// SPDX-License-Identifier: GPL-2.0-only
import { open } from 'node:fs/promises';
import path from 'node:path';

/** `ENOENT` and the like. Not by `instanceof`: errors of node:fs may come from another realm. */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Makes the names in the file's folder as durable as the files: a rename or a new file counts only after this. */
export async function syncFolderOf(file: string): Promise<void> {
  const handle = await open(path.dirname(file), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
