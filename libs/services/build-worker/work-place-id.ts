// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Names a cache and whoever works in it, over all restarts: two workers with one cache build from the same kept objects. */
export async function workPlaceId(cacheDir: string): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  const file = path.join(cacheDir, 'work-place');
  const made = randomUUID();
  const draft = `${file}.${made}`;
  await writeFile(draft, `${made}\n`);
  try {
    // Whole or not at all, and the first one stays.
    await link(draft, file).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(file, 'utf8')).trim();
}
