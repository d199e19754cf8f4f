// SPDX-License-Identifier: GPL-2.0-only
import { lstatSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileContents } from '@lockstep/domain/source-patch';
import { replaceFile } from '../processes/stage';

/** Replaces, creates or (null) deletes files of a tree; what a file was linked to keeps its content. */
export async function changeFiles(dir: string, files: FileContents): Promise<void> {
  for (const [path, content] of files) {
    const file = join(dir, path);
    if (content === null) {
      await rm(file, { force: true });
    } else {
      await mkdir(dirname(file), { recursive: true });
      const { mode } = lstatSync(file, { throwIfNoEntry: false }) ?? { mode: 0o644 };
      await replaceFile(file, Buffer.from(content, 'latin1'), async (handle) => handle.chmod(mode));
    }
  }
}
