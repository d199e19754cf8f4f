// SPDX-License-Identifier: GPL-2.0-only
import {
  LockstepError,
  parseKernelBuildId,
  parseSha256,
  type KernelBuildId,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { readWhole, type ArtifactStore, type StoredArtifact } from '@lockstep/io/artifact-store';
import type { KernelCopy } from '@lockstep/io/job-queue';
import { z } from 'zod';

/** Held in memory as a whole, here and there; small enough that what was cut off costs little. */
const partBytes = 16 << 20;

/** Other versions of the worker may pack otherwise. */
const format = 'lockstep kernel copy 1';

/** The file that says what a packed kernel build consists of. */
export interface CopyList {
  readonly kernelBuild: KernelBuildId;
  /** Only a worker that has it can use the copy. */
  readonly compiler: string;
  /** What it takes when it is unpacked, at most. */
  readonly treeBytes: number;
  readonly parts: readonly StoredArtifact[];
}

/** Keeps a stream as files of the artifact store that are small enough for it. Parts that are there already cost no space. */
export async function keepParts(store: ArtifactStore, content: AsyncIterable<Uint8Array>): Promise<StoredArtifact[]> {
  const size = Math.min(partBytes, store.maxArtifactBytes);
  const parts: StoredArtifact[] = [];
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const keep = async (): Promise<void> => {
    parts.push(await store.put(Buffer.concat(pending)));
    pending = [];
    pendingBytes = 0;
  };
  for await (let chunk of content) {
    while (pendingBytes + chunk.length >= size) {
      pending.push(chunk.subarray(0, size - pendingBytes));
      chunk = chunk.subarray(size - pendingBytes);
      await keep();
    }
    pending.push(chunk);
    pendingBytes += chunk.length;
  }
  if (pendingBytes > 0) await keep();
  return parts;
}

export async function keepCopyList(store: ArtifactStore, list: CopyList): Promise<KernelCopy> {
  const { sha256, sizeBytes } = await store.put(Buffer.from(JSON.stringify({ format, ...list })));
  const parts = list.parts.map((part) => part.sha256);
  return { sha256, parts, sizeBytes: list.parts.reduce((sum, part) => sum + part.sizeBytes, sizeBytes) };
}

const listSchema = z.object({
  format: z.literal(format),
  kernelBuild: z.string().transform(parseKernelBuildId),
  compiler: z.string().min(1),
  treeBytes: z.number().int().min(0),
  parts: z.array(z.object({ sha256: z.string().transform(parseSha256), sizeBytes: z.number().int().min(1) })),
});

/** @throws LockstepError `artifact-missing`, `artifact-damaged`, `corrupt` `foreign-kernel-copy` */
export async function readCopyList(
  store: ArtifactStore,
  sha256: Sha256,
  kernelBuild: KernelBuildId,
): Promise<CopyList> {
  const text = (await readWhole(store, sha256)).toString('utf8');
  try {
    const list = listSchema.parse(JSON.parse(text));
    if (list.kernelBuild === kernelBuild) return list;
    throw new Error(`it is kernel build ${list.kernelBuild}`);
  } catch (cause) {
    const message = `The copy of kernel build ${kernelBuild} cannot be read: ${String(cause)}. Run one version of the worker on all machines.`;
    throw new LockstepError('corrupt', 'foreign-kernel-copy', message, { kernelBuild, sha256 }, { cause });
  }
}

/**
 * The parts of a packed kernel build, each checked before any byte of it is given on.
 * @throws LockstepError `artifact-missing`, `artifact-damaged`
 */
export async function* readParts(
  store: ArtifactStore,
  { parts }: CopyList,
  onPart: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  for (const [index, { sha256 }] of parts.entries()) {
    onPart(index);
    yield await readWhole(store, sha256);
  }
}

/** Is all of it in the store? Looks at names and sizes, not at contents. */
export async function isWhole(store: ArtifactStore, sha256: Sha256): Promise<boolean> {
  const sizes = new Map((await store.list()).map((kept) => [kept.sha256, kept.sizeBytes]));
  if (!sizes.has(sha256)) return false;
  const { parts } = listSchema.parse(JSON.parse((await readWhole(store, sha256)).toString('utf8')));
  return parts.every((part) => sizes.get(part.sha256) === part.sizeBytes);
}
