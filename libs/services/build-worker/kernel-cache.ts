// SPDX-License-Identifier: GPL-2.0-only
import { type ArtifactStore } from '@lockstep/io/artifact-store';
import { evictKernelBuilds } from '@lockstep/io/kernel-builder';
import type { Logger } from 'pino';
import { isWhole } from './kernel-copy';

export interface KernelCacheOptions {
  readonly cacheDir: string;
  readonly artifacts: ArtifactStore;
  readonly log: Logger;
  /** What registered kernel builds may take in the cache, if those that must stay allow. */
  readonly maxBytes: number;
}

/** Keeps the registered kernel builds of this machine within their size. */
export class KernelCache {
  constructor(private readonly options: KernelCacheOptions) {}

  /** Evicts until so much fits in addition, or nothing more may go. Never throws: a cache that is too large still works. */
  async makeRoom(bytes = 0): Promise<void> {
    const { cacheDir, artifacts, log, maxBytes } = this.options;
    try {
      const evicted = await evictKernelBuilds({
        cacheDir,
        maxBytes: Math.max(0, maxBytes - bytes),
        canBeFetched: ({ sha256 }) => isWhole(artifacts, sha256),
      });
      const { removed, trimmed, keptBytes } = evicted;
      if (removed.length + trimmed.length > 0) log.info({ ...evicted, maxBytes }, 'evicted kernel builds');
      if (keptBytes + bytes > maxBytes) {
        log.warn({ keptBytes, bytes, maxBytes }, 'the cache is over its limit: what is left is in use or has no copy');
      }
    } catch (err) {
      log.warn({ err }, 'cannot evict kernel builds now');
    }
  }
}
