// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore, DiskSpace } from './artifact-store';

export interface EvictionOptions {
  /** What the store may hold after it, if what must stay allows. */
  readonly maxBytes: number;
  /** What was used since stays: a build puts its files before anything references them. */
  readonly usedBeforeMs: number;
  /**
   * Calls `remove` unless a load order, a build or a node still names the file, and answers what it answered; false if
   * it stays, however much it is. Asked once for each candidate.
   */
  readonly removeUnreferenced: (sha256: Sha256, remove: () => Promise<boolean>) => Promise<boolean>;
}

export interface Eviction {
  readonly removed: readonly Sha256[];
  readonly keptBytes: number;
  /** What it was allowed to keep: less than asked for where the disk is nearly full. */
  readonly budgetBytes: number;
}

/** The store shares its disk, perhaps with the database: it leaves this part of it free, whatever it was allowed. */
const reservedShare = 0.1;

function budgetOn(disk: DiskSpace | undefined, keptBytes: number, maxBytes: number): number {
  if (disk === undefined) return maxBytes;
  const { totalBytes, availableBytes } = disk;
  return Math.max(0, Math.min(maxBytes, keptBytes + availableBytes - Math.floor(totalBytes * reservedShare)));
}

/** Removes what nobody references, least recently used first, until the store fits. */
export async function evictArtifacts(store: ArtifactStore, options: EvictionOptions): Promise<Eviction> {
  const { maxBytes, usedBeforeMs, removeUnreferenced } = options;
  const kept = (await store.list()).sort((left, right) => left.usedAtMs - right.usedAtMs);
  let keptBytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const budgetBytes = budgetOn(await store.disk(), keptBytes, maxBytes);
  const removed: Sha256[] = [];
  for (const candidate of kept) {
    const { sha256, sizeBytes, usedAtMs } = candidate;
    if (keptBytes <= budgetBytes || usedAtMs >= usedBeforeMs) break;
    if (!(await removeUnreferenced(sha256, () => store.remove(candidate)))) continue;
    removed.push(sha256);
    keptBytes -= sizeBytes;
  }
  return { removed, keptBytes, budgetBytes };
}
