// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError, parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';

export interface StoredArtifact {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

/** Files by their sha256, shared by whoever sees the folder. A file that is there is whole. */
export interface ArtifactStore {
  /** Keeps the bytes; the same bytes again change nothing. On disk when it returns. */
  put(bytes: Uint8Array): Promise<StoredArtifact>;
  /** Reads the file again and compares. @throws LockstepError `not-found` `artifact-missing`, `corrupt` `artifact-damaged`. */
  verify(artifact: StoredArtifact): Promise<void>;
  /** The bytes from `offset` on, in chunks. @throws LockstepError `artifact-missing`, `invalid-input` `offset-past-end`. */
  read(sha256: Sha256, offset: number): AsyncIterable<Uint8Array>;
}

/** Fits gRPC's frames and flow-control window; a slow reader holds no more than a few of them. */
export const chunkBytes = 64 * 1024;

function missing(sha256: Sha256, cause: unknown): LockstepError {
  const message = `Artifact ${sha256} is not in the store: build the patch again, or restore the store's folder.`;
  return new LockstepError('not-found', 'artifact-missing', message, { sha256 }, { cause });
}

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

async function writeWhole(folder: string, file: string, bytes: Uint8Array): Promise<void> {
  const temporary = path.join(folder, `.${randomUUID()}.partial`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    {
      await using handle = await open(temporary, 'wx', 0o600);
      await handle.writeFile(bytes);
      await handle.sync();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    const message = `The artifact store ${folder} cannot be written (${code}): make room or correct its permissions.`;
    throw new LockstepError('unavailable', 'artifact-store-unwritable', message, { folder, code }, { cause });
  }
  await syncFolder(folder);
}

async function* readFrom(file: string, sha256: Sha256, offset: number): AsyncGenerator<Uint8Array> {
  await using handle = await open(file, 'r').catch((error: unknown) => {
    throw isAbsent(error) ? missing(sha256, error) : error;
  });
  const { size } = await handle.stat();
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) {
    const message = `The artifact has ${size} bytes: there is no offset ${offset} in it.`;
    throw new LockstepError('invalid-input', 'offset-past-end', message, { sha256, offset, sizeBytes: size });
  }
  for (let at = offset; ;) {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** What a process that was killed while writing left behind, and no living one can still be writing. */
const abandonedAfterMs = 24 * 3600 * 1000;

async function removeAbandoned(dir: string): Promise<void> {
  for (const name of await readdir(dir, { recursive: true })) {
    if (!name.endsWith('.partial')) continue;
    const file = path.join(dir, name);
    const modified = await stat(file).catch(() => undefined);
    if (modified !== undefined && Date.now() - modified.mtimeMs > abandonedAfterMs) await rm(file, { force: true });
  }
}

/** The store in a folder of this machine: `ab/abcd….ko`. Makes the folder, for its owner alone. */
export async function openArtifactStore(dir: string): Promise<ArtifactStore> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await removeAbandoned(dir);
  const folderOf = (sha256: Sha256): string => path.join(dir, sha256.slice(0, 2));
  const fileOf = (sha256: Sha256): string => path.join(folderOf(sha256), `${sha256}.ko`);
  const verify = async ({ sha256, sizeBytes }: StoredArtifact): Promise<void> => {
    const hash = createHash('sha256');
    let read = 0;
    for await (const chunk of readFrom(fileOf(sha256), sha256, 0)) {
      hash.update(chunk);
      read += chunk.length;
    }
    if (read === sizeBytes && hash.digest('hex') === sha256) return;
    const message = `Artifact ${sha256} is damaged: it has ${read} bytes, ${sizeBytes} were expected. Build the patch again.`;
    throw new LockstepError('corrupt', 'artifact-damaged', message, { sha256, sizeBytes, read });
  };
  return {
    async put(bytes) {
      const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
      const stored = { sha256, sizeBytes: bytes.length };
      const present = await verify(stored).then(
        () => true,
        () => false,
      );
      if (present) return stored;
      await writeWhole(folderOf(sha256), fileOf(sha256), bytes);
      await syncFolder(dir);
      return stored;
    },
    verify,
    read: (sha256, offset) => readFrom(fileOf(sha256), sha256, offset),
  };
}
