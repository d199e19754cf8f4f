// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { isMissing } from '../processes/errno';
import { buildError } from '../processes/failure';
import { readCommand } from '../processes/streamed-command';

/** By suffix, with the package that it comes in. */
const programs: Readonly<Record<string, { readonly program: string; readonly debianPackage: string }>> = {
  '.xz': { program: 'xz', debianPackage: 'xz-utils' },
  '.zst': { program: 'zstd', debianPackage: 'zstd' },
};

/**
 * A file's content, uncompressed where its name says that it is compressed (`.gz`, `.xz`, `.zst`).
 * @throws LockstepError `file-broken`, `tool-missing`
 */
export async function readDecompressed(file: string): Promise<Buffer> {
  if (file.endsWith('.gz')) return inflated(file, await readFile(file));
  const unpacker = programs[/\.\w+$/.exec(file)?.[0] ?? ''];
  if (unpacker === undefined) return readFile(file);
  const { program, debianPackage } = unpacker;
  const chunks: Buffer[] = [];
  const output = readCommand(program, ['--decompress', '--stdout', file]);
  for (;;) {
    const { done, value } = await output.next().catch((cause: unknown) => {
      if (!isMissing(cause)) throw cause;
      throw buildError({ kind: 'tool-missing', tool: program, debianPackage }, { cause });
    });
    if (done !== true) chunks.push(value);
    else if (value.status === 0) return Buffer.concat(chunks);
    else
      throw buildError({
        kind: 'file-broken',
        file,
        said: `${program} ended with status ${value.status}: ${value.errors}`,
      });
  }
}

function inflated(file: string, bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw buildError({ kind: 'file-broken', file, said: (cause as Error).message }, { cause });
  }
}
