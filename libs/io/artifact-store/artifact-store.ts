// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';

export interface StoredArtifact {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

export interface KeptArtifact extends StoredArtifact {
  /** When it was last put, read or verified; where the store does not know of reads, when it was last put. */
  readonly usedAtMs: number;
}

/** The disk that a store is on, with whatever else is there. */
export interface DiskSpace {
  readonly totalBytes: number;
  /** To whom is not root. */
  readonly availableBytes: number;
}

/** Files by their sha256, shared by whoever sees the store. A file that is there is whole. */
export interface ArtifactStore {
  /** A larger file is refused. */
  readonly maxArtifactBytes: number;
  /**
   * Keeps the bytes; the same bytes again change nothing. Durable when it returns.
   * @throws LockstepError `artifact-too-large`, `artifact-store-unwritable`, `artifact-store-unreachable`
   */
  put(bytes: Uint8Array): Promise<StoredArtifact>;
  /** Reads the file again and compares. @throws LockstepError `not-found` `artifact-missing`, `corrupt` `artifact-damaged`. */
  verify(artifact: StoredArtifact): Promise<void>;
  /** The bytes from `offset` on, in chunks. @throws LockstepError `artifact-missing`, `invalid-input` `offset-past-end`. */
  read(sha256: Sha256, offset: number): AsyncIterable<Uint8Array>;
  /** All that is kept, in no order. */
  list(): Promise<KeptArtifact[]>;
  /** Undefined: a bucket, whose owner sees to its size. */
  disk(): Promise<DiskSpace | undefined>;
  /**
   * Removes what `list` found, unless it was used since, and answers whether it is gone. Only `evictArtifacts` knows what
   * may go.
   */
  remove(kept: KeptArtifact): Promise<boolean>;
}

/** Fits gRPC's frames and flow-control window; a slow reader holds no more than a few of them. */
export const chunkBytes = 64 * 1024;

/** A livepatch module of a thousand functions has a few megabytes. */
export const defaultMaxArtifactBytes = 64 << 20;

/**
 * A whole file, checked: for files that are small enough to be held in memory.
 * @throws LockstepError `artifact-missing`, `artifact-damaged`
 */
export async function readWhole(store: ArtifactStore, sha256: Sha256): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(sha256, 0)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  const message = `Artifact ${sha256} is damaged: its ${bytes.length} bytes have another sha256.`;
  throw new LockstepError('corrupt', 'artifact-damaged', message, { sha256, read: bytes.length });
}

export function missing(sha256: Sha256, cause?: unknown): LockstepError {
  const message = `Artifact ${sha256} is not in the store: build the patch again, or restore the store.`;
  return new LockstepError('not-found', 'artifact-missing', message, { sha256 }, { cause });
}

export function damaged(sha256: Sha256, sizeBytes: number, read: number): LockstepError {
  const message = `Artifact ${sha256} is damaged: it has ${read} bytes, ${sizeBytes} were expected. Build the patch again.`;
  return new LockstepError('corrupt', 'artifact-damaged', message, { sha256, sizeBytes, read });
}

export function offsetPastEnd(sha256: Sha256, offset: number, sizeBytes: number): LockstepError {
  const message = `The artifact has ${sizeBytes} bytes: there is no offset ${offset} in it.`;
  return new LockstepError('invalid-input', 'offset-past-end', message, { sha256, offset, sizeBytes });
}

/** @throws LockstepError `artifact-too-large` */
export function refuseTooLarge(bytes: Uint8Array, maxBytes: number): void {
  if (bytes.length <= maxBytes) return;
  const message = `The module has ${bytes.length} bytes, and the store takes at most ${maxBytes}: split the patch, or raise the limit.`;
  throw new LockstepError('refused', 'artifact-too-large', message, { sizeBytes: bytes.length, maxBytes });
}
