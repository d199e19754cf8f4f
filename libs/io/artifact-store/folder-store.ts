// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError, parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { errorCode, makeFolder, syncFolder } from '@lockstep/platform/runtime';
import {
  chunkBytes,
  damaged,
  defaultMaxArtifactBytes,
  missing,
  offsetPastEnd,
  refuseTooLarge,
  type ArtifactStore,
  type KeptArtifact,
  type StoredArtifact,
} from './artifact-store';

async function writeWhole(folder: string, file: string, bytes: Uint8Array): Promise<void> {
  const temporary = path.join(folder, `.${randomUUID()}.partial`);
  try {
    await makeFolder(folder);
    {
      await using handle = await open(temporary, 'wx', 0o600);
      await handle.writeFile(bytes);
      await handle.sync();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const code = errorCode(cause) ?? 'unknown';
    const message = `The artifact store ${folder} cannot be written (${code}): make room or correct its permissions.`;
    throw new LockstepError('unavailable', 'artifact-store-unwritable', message, { folder, code }, { cause });
  }
  await syncFolder(folder);
}

async function* readFrom(file: string, sha256: Sha256, offset: number): AsyncGenerator<Uint8Array> {
  await using handle = await open(file, 'r').catch((error: unknown) => {
    throw errorCode(error) === 'ENOENT' ? missing(sha256, error) : error;
  });
  const { size } = await handle.stat();
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) {
    throw offsetPastEnd(sha256, offset, size);
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

/** `ab/abcd….ko` */
const keptFile = /^[0-9a-f]{2}\/([0-9a-f]{64})\.ko$/;

async function listFolder(dir: string): Promise<KeptArtifact[]> {
  const kept: KeptArtifact[] = [];
  for (const name of await readdir(dir, { recursive: true })) {
    const sha256 = keptFile.exec(name)?.[1];
    const found = sha256 === undefined ? undefined : await stat(path.join(dir, name)).catch(() => undefined);
    if (sha256 === undefined || found === undefined) continue;
    kept.push({ sha256: parseSha256(sha256), sizeBytes: found.size, usedAtMs: found.mtimeMs });
  }
  return kept;
}

/** The store in a folder of this machine: `ab/abcd….ko`. Makes the folder, for its owner alone. */
export async function openFolderStore(dir: string, maxArtifactBytes = defaultMaxArtifactBytes): Promise<ArtifactStore> {
  await makeFolder(dir);
  await removeAbandoned(dir);
  const folderOf = (sha256: Sha256): string => path.join(dir, sha256.slice(0, 2));
  const fileOf = (sha256: Sha256): string => path.join(folderOf(sha256), `${sha256}.ko`);
  /** The file's time is when it was last wanted: contents never change. */
  const markUsed = async (sha256: Sha256): Promise<void> => {
    const now = new Date();
    await utimes(fileOf(sha256), now, now).catch(() => undefined);
  };
  const verify = async ({ sha256, sizeBytes }: StoredArtifact): Promise<void> => {
    await markUsed(sha256);
    const hash = createHash('sha256');
    let read = 0;
    for await (const chunk of readFrom(fileOf(sha256), sha256, 0)) {
      hash.update(chunk);
      read += chunk.length;
    }
    if (read !== sizeBytes || hash.digest('hex') !== sha256) throw damaged(sha256, sizeBytes, read);
  };
  return {
    maxArtifactBytes,
    async put(bytes) {
      refuseTooLarge(bytes, maxArtifactBytes);
      const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
      const stored = { sha256, sizeBytes: bytes.length };
      const present = await verify(stored).then(
        () => true,
        () => false,
      );
      if (present) return stored;
      await writeWhole(folderOf(sha256), fileOf(sha256), bytes);
      return stored;
    },
    verify,
    async *read(sha256, offset) {
      await markUsed(sha256);
      yield* readFrom(fileOf(sha256), sha256, offset);
    },
    list: () => listFolder(dir),
    async disk() {
      const { blocks, bavail, bsize } = await statfs(dir);
      return { totalBytes: blocks * bsize, availableBytes: bavail * bsize };
    },
    async remove({ sha256, usedAtMs }) {
      const found = await stat(fileOf(sha256)).catch(() => undefined);
      if (found !== undefined && found.mtimeMs > usedAtMs) return false;
      await rm(fileOf(sha256), { force: true });
      return true;
    },
  };
}
