// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { readCommand } from '../processes/streamed-command';

const programs: Readonly<Record<string, string>> = { '.xz': 'xz', '.zst': 'zstd' };

/** A file's content, uncompressed where its name says that it is compressed (`.gz`, `.xz`, `.zst`). */
export async function readDecompressed(file: string): Promise<Buffer> {
  if (file.endsWith('.gz')) return gunzipSync(await readFile(file));
  const program = programs[/\.\w+$/.exec(file)?.[0] ?? ''];
  if (program === undefined) return readFile(file);
  const chunks: Buffer[] = [];
  const output = readCommand(program, ['--decompress', '--stdout', file]);
  for (;;) {
    const { done, value } = await output.next();
    if (done !== true) chunks.push(value);
    else if (value.status === 0) return Buffer.concat(chunks);
    else throw new Error(`${program} of ${file} ended with status ${value.status}: ${value.errors}`);
  }
}
