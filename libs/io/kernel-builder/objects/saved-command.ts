// SPDX-License-Identifier: GPL-2.0-only
import { basename, dirname, join } from 'node:path';

/** Where kbuild saves the command of an object, below the tree's root. */
export const savedCommandOf = (path: string): string => join(dirname(path), `.${basename(path)}.cmd`);

interface CommandToSave {
  readonly path: string;
  /** As kbuild escapes it for make. */
  readonly command: string;
  readonly source: string;
  /** What it reads besides its source. */
  readonly files: Iterable<string>;
}

/** The text of such a file. */
export function savedCommandText({ path, command, source, files }: CommandToSave): string {
  const list = [...files].map((file) => `  ${file} \\\n`).join('');
  return `cmd_${path} := ${command}\n\nsource_${path} := ${source}\n\ndeps_${path} := \\\n${list}\n`;
}
