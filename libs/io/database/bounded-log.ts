// SPDX-License-Identifier: GPL-2.0-only
import { copyFile, stat, truncate } from 'node:fs/promises';

const largestBytes = 16 * 2 ** 20;
const lookEveryMs = 60_000;

/** Moves what a log holds to FILE.1, over what is there, when it has grown too large. A line written meanwhile may be lost. */
export async function boundLog(file: string, limitBytes = largestBytes): Promise<void> {
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  if (size <= limitBytes) return;
  await copyFile(file, `${file}.1`);
  // Whoever writes appends, and goes on at the beginning.
  await truncate(file);
}

/** Keeps a log that another process appends to within two files of a bounded size, until it is told to stop. */
export function keepLogBounded(file: string, limitBytes?: number, everyMs = lookEveryMs): () => void {
  const look = (): void => {
    // A disk that is full is no reason to stop the server: the next look may find it better.
    boundLog(file, limitBytes).catch(() => undefined);
  };
  look();
  const timer = setInterval(look, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
