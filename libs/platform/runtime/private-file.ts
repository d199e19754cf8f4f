// SPDX-License-Identifier: GPL-2.0-only
import { open, readFile, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, syncFolder } from './durable-folder';
import { errorCode } from './error-code';

/** The text of a file, or undefined where there is none. */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes the whole file or nothing, readable by its owner alone, and on disk when it returns. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const folder = path.dirname(file);
  await makeFolder(folder);
  const temporary = `${file}.${process.pid}.new`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(folder);
}

/** What the file holds, or what `create` makes, kept there from then on. */
export async function readOrCreate(file: string, create: () => string | Promise<string>): Promise<string> {
  const present = await readIfPresent(file);
  if (present !== undefined) return present;
  const text = await create();
  await writePrivateFile(file, text);
  return text;
}
