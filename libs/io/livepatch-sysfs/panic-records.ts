// SPDX-License-Identifier: GPL-2.0-only
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

// What a kernel that panicked left in the firmware's or a reserved memory (pstore), and where systemd-pstore puts it.

/** Deep enough for systemd-pstore's folders by time and record. */
const deepest = 3;

/** The first line of a record: `Panic#2 Part1`. An `Oops` that no panic followed took no host down. */
const isPanic = (firstBytes: string): boolean => /^(?:Panic|Emergency)#/.test(firstBytes);

async function beginningOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function recordsIn(folder: string, depth = deepest): Promise<string[]> {
  // Most machines have no pstore, and no tool that empties it.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && depth > 0) found.push(...(await recordsIn(file, depth - 1)));
    if (entry.isFile() && entry.name.startsWith('dmesg')) found.push(file);
  }
  return found;
}

/** When the panics happened that these folders hold records of, in ms since 1970. */
export async function panicTimes(folders: readonly string[]): Promise<number[]> {
  const files = (await Promise.all(folders.map((folder) => recordsIn(folder)))).flat();
  const times = await Promise.all(
    files.map(async (file) => {
      const text = await beginningOf(file).catch(() => '');
      return isPanic(text) ? [(await stat(file)).mtimeMs] : [];
    }),
  );
  return times.flat();
}
