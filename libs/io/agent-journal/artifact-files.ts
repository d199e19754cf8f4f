// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError, type ArtifactManifest, type Sha256 } from '@lockstep/domain/livepatch-model';
import { errorCode, makeFolder, syncFolder } from '@lockstep/platform/runtime';

/** A module's bytes from an offset on. */
export type ArtifactSource = (offset: number) => AsyncIterable<Uint8Array>;

type Wanted = Pick<ArtifactManifest, 'sha256' | 'sizeBytes'>;

/** The reason of a transfer that ended before all bytes had come. */
export const artifactIncomplete = 'artifact-incomplete';

const readChunkBytes = 256 * 1024;

/** The modules that this node has fetched, each under the sha256 of its bytes. */
export class ArtifactFiles {
  constructor(private readonly folder: string) {}

  pathOf(sha256: Sha256): string {
    return path.join(this.folder, `${sha256}.ko`);
  }

  /** What is here whole; a file gets its name only after its bytes were checked. */
  async list(): Promise<ReadonlySet<Sha256>> {
    const names = await this.names();
    return new Set(names.flatMap((name) => (/^[0-9a-f]{64}\.ko$/.test(name) ? [name.slice(0, 64) as Sha256] : [])));
  }

  /** The file's path once its bytes are checked again. @throws LockstepError `corrupt`; then it is gone. */
  async verified(artifact: Wanted): Promise<string> {
    const file = this.pathOf(artifact.sha256);
    if ((await sha256OfFile(file)) === artifact.sha256) return file;
    await rm(file, { force: true });
    throw damaged(artifact, 'the file on disk has changed; it is fetched again');
  }

  /**
   * Takes the module from `source`, going on where an earlier try ended.
   * @throws LockstepError `corrupt` when the bytes are not those of the manifest; then nothing of them is kept.
   */
  async receive(artifact: Wanted, source: ArtifactSource): Promise<void> {
    await makeFolder(this.folder);
    const partial = path.join(this.folder, `${artifact.sha256}.partial`);
    const problem = await this.fill(partial, artifact, source);
    if (problem !== undefined) {
      await rm(partial, { force: true });
      throw damaged(artifact, problem);
    }
    await rename(partial, this.pathOf(artifact.sha256));
    await syncFolder(this.folder);
  }

  /** Removes files that `needed` does not name, also those that have come in part. */
  async keepOnly(needed: ReadonlySet<Sha256>): Promise<void> {
    for (const name of await this.names()) {
      const [, sha256] = /^([0-9a-f]{64})\.(?:ko|partial)$/.exec(name) ?? [];
      if (sha256 === undefined || needed.has(sha256 as Sha256)) continue;
      await rm(path.join(this.folder, name), { force: true });
    }
  }

  private async names(): Promise<string[]> {
    return readdir(this.folder).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
  }

  private async fill(partial: string, artifact: Wanted, source: ArtifactSource): Promise<string | undefined> {
    const handle = await open(partial, 'a', 0o600);
    try {
      let size = (await handle.stat()).size;
      if (size > artifact.sizeBytes) return `it holds more than ${artifact.sizeBytes} bytes`;
      if (size < artifact.sizeBytes) {
        for await (const chunk of source(size)) {
          size += chunk.byteLength;
          if (size > artifact.sizeBytes) return `more than ${artifact.sizeBytes} bytes came`;
          await writeAll(handle, chunk);
        }
      }
      if (size < artifact.sizeBytes) throw incomplete(artifact, size);
      await handle.sync();
    } catch (error) {
      throw errorCode(error) === 'ENOSPC' ? diskFull(partial, error) : error;
    } finally {
      await handle.close();
    }
    return (await sha256OfFile(partial)) === artifact.sha256
      ? undefined
      : 'the bytes that came do not match its sha256';
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength) done += (await handle.write(chunk, done)).bytesWritten;
}

async function sha256OfFile(file: string): Promise<string | undefined> {
  const size = await stat(file).catch(() => undefined);
  if (size === undefined) return undefined;
  const hash = createHash('sha256');
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(readChunkBytes);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

function damaged({ sha256 }: Wanted, what: string): LockstepError {
  return new LockstepError('corrupt', 'artifact-damaged', `Module ${sha256.slice(0, 12)} is damaged: ${what}.`, {
    sha256,
  });
}

function incomplete({ sha256, sizeBytes }: Wanted, received: number): LockstepError {
  const message = `Module ${sha256.slice(0, 12)} came only up to byte ${received} of ${sizeBytes}; it goes on from there.`;
  return new LockstepError('unavailable', artifactIncomplete, message, { sha256, sizeBytes, received });
}

function diskFull(file: string, cause: unknown): LockstepError {
  return new LockstepError('unavailable', 'disk-full', `No space left for ${file}.`, { file }, { cause });
}
