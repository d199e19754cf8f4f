// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import { evictArtifacts, type ArtifactStore } from '@lockstep/io/artifact-store';
import type { Database } from '@lockstep/io/database';
import type { Logger } from 'pino';

/** Longer than any worker takes from the file that it puts to the result that names it. */
const graceMs = 3_600_000;

export interface ArtifactEvictorParts {
  readonly db: Pick<Database, 'builds' | 'references' | 'kernelCopies'>;
  readonly artifacts: ArtifactStore;
  readonly log: Logger;
  /** What the store may hold, if what is referenced allows. */
  readonly maxBytes: number;
  readonly checkEveryMs: number;
  /** Of several control planes one evicts. */
  readonly leads: () => boolean;
}

/** Keeps the artifact store within its size: what goes is built again when somebody asks for it. */
export class ArtifactEvictor {
  private timer: NodeJS.Timeout | undefined;
  private pass: Promise<void> | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: ArtifactEvictorParts) {}

  /** Begins the first pass without waiting for it; then one at each interval. */
  start(): void {
    const begin = (): void => {
      if (!this.parts.leads()) return;
      this.pass ??= this.evict().finally(() => {
        this.pass = undefined;
      });
    };
    begin();
    this.timer = setInterval(begin, this.parts.checkEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.pass;
  }

  /** Nothing is evicted during the work: for who checks that a file is there and then references it. */
  async withoutEviction<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async evict(): Promise<void> {
    const { artifacts, log, maxBytes } = this.parts;
    try {
      const { removed, keptBytes, budgetBytes } = await evictArtifacts(artifacts, {
        maxBytes,
        usedBeforeMs: await this.usedBeforeMs(),
        removeUnreferenced: (sha256, remove) => this.withoutEviction(() => this.removeUnreferenced(sha256, remove)),
      });
      if (removed.length > 0) log.info({ removed, keptBytes, budgetBytes }, 'evicted from the artifact store');
      if (keptBytes > budgetBytes)
        log.warn({ keptBytes, budgetBytes }, 'the artifact store is over its limit: all is in use');
    } catch (err) {
      log.warn({ err }, 'cannot evict from the artifact store now');
    }
  }

  private async removeUnreferenced(sha256: Sha256, remove: () => Promise<boolean>): Promise<boolean> {
    const { db } = this.parts;
    if (await db.references.includes(sha256)) return false;
    // Before it goes: nobody is to be sent to a copy that is not whole.
    await db.kernelCopies.forget(sha256);
    return remove();
  }

  /** A build that is going on may use whatever was put since it was queued: the parts of it that others have done. */
  private async usedBeforeMs(): Promise<number> {
    const queuedAt = (await this.parts.db.builds.unfinished()).map((build) => build.queuedAt.getTime());
    return Math.min(Date.now() - graceMs, ...queuedAt);
  }
}
