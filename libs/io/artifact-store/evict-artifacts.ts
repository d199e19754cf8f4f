// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from './artifact-store';

export interface EvictionOptions {
  /** What the store may hold after it, if what must stay allows. */
  maxBytes: number;
  /** What a load order, a build or a node still names: it stays, however much it is. Asked once for each candidate. */
  isReferenced: (sha256: Sha256) => Promise<boolean>;
  nowMs: number;
  /** What was used less than this ago stays: a build puts its module a moment before it is referenced. */
  graceMs?: number;
}

export interface Eviction {
  readonly removed: readonly Sha256[];
  readonly keptBytes: number;
}

/** An hour is longer than any build takes from module to database. */
const defaultGraceMs = 3_600_000;

/** Removes what nobody references, least recently used first, until the store fits. */
export async function evictArtifacts(store: ArtifactStore, options: EvictionOptions): Promise<Eviction> {
  const { maxBytes, isReferenced, nowMs, graceMs = defaultGraceMs } = options;
  const kept = (await store.list()).sort((left, right) => left.usedAtMs - right.usedAtMs);
  let keptBytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const removed: Sha256[] = [];
  for (const { sha256, sizeBytes, usedAtMs } of kept) {
    if (keptBytes <= maxBytes || nowMs - usedAtMs < graceMs) break;
    if (await isReferenced(sha256)) continue;
    await store.remove(sha256);
    removed.push(sha256);
    keptBytes -= sizeBytes;
  }
  return { removed, keptBytes };
}
