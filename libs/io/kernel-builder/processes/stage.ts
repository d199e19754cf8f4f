// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import { access, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What long work tells while it goes on. `total` is an estimate where only an estimate can be had. */
export interface BuildProgress {
  stage: string;
  done: number;
  total: number;
}

export type OnProgress = (progress: BuildProgress) => void;

/** Tells of one more that is done each time that it is called; hands on what it is given. */
export function progressCounter(stage: string, total: number, onProgress?: OnProgress): <T>(value: T) => T {
  let done = 0;
  return (value) => {
    done = Math.min(done + 1, total);
    onProgress?.({ stage, done, total });
    return value;
  };
}

/**
 * One numbered step of long work, in a directory of its own. Done once: a `.complete` file says so, written last.
 * A step that was cut off starts afresh, or goes on where it was if `resumable`.
 */
export async function runStage(
  dir: string,
  work: (dir: string) => Promise<void>,
  { resumable = false }: { resumable?: boolean } = {},
): Promise<void> {
  const marker = join(dir, '.complete');
  if (await exists(marker)) return;
  if (!resumable) await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await work(dir);
  await writeFileAtomically(marker, '');
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** After it, the path holds all of the old or all of the new, even if the power goes. */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await replaceFile(path, content, async (handle) => handle.sync());
}

/** All of the old or all of the new for every process; hard links to the old keep it. */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  beforeRename?: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(content);
    await beforeRename?.(handle);
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
