// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInFolder } from './run-in-tree';

/**
 * Whether two builds of an object (or of another product) differ in debug information at most: it tells of types and of
 * the directory that the compiler ran in, even where no code follows from them.
 */
export async function sameButDebugInformation(left: Buffer, right: Buffer): Promise<boolean> {
  if (left.equals(right)) return true;
  if (!left.includes('.debug_info\0') || !right.includes('.debug_info\0')) return false;
  const dir = await mkdtemp(join(tmpdir(), 'lockstep-strip-'));
  try {
    const stripped = await Promise.all(
      [left, right].map(async (bytes, index) => {
        const file = join(dir, `${index}.o`);
        await writeFile(file, bytes);
        const { status, output } = await runInFolder(dir, 'objcopy', ['--strip-debug', file]);
        if (status !== 0) throw new Error(`objcopy --strip-debug ended with status ${status}:\n${output}`);
        return readFile(file);
      }),
    );
    return stripped[0]?.equals(stripped[1] ?? Buffer.alloc(0)) === true;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
