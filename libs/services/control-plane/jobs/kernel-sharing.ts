// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, parseSha256, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { Database, KernelCopyRecord } from '@lockstep/io/database';
import { lacksKernelReason, type JobQueue, type JobResult } from '@lockstep/io/job-queue';
import type { Logger } from 'pino';
import { Reconciler } from '../reconciler';

const reconcileEveryMs = 5_000;
/** A full disk, say; nobody waits for it. */
const tryAgainAfterMs = 600_000;
/** It may have been given to many workers that lack the kernel build before one that has it. */
const askAgainAfterMs = 30_000;

export interface KernelSharingParts {
  readonly db: Pick<Database, 'kernelCopies'>;
  /** Of what is done in the background. */
  readonly queue: JobQueue;
  readonly artifacts: ArtifactStore;
  readonly log: Logger;
  /** Of several control planes one does. */
  readonly leads: () => boolean;
}

const jobIdOf = (kernel: KernelBuildId): string => `share.${kernel}`;

/**
 * Sees to it that each kernel build that is used has a copy in the artifact store, for workers that lack it. All of it is
 * reconciled again and again, so it may be cut off at any moment.
 */
export class KernelSharing {
  private readonly reconciler = new Reconciler((kernel) => this.settle(kernel as KernelBuildId));
  private readonly notBefore = new Map<KernelBuildId, number>();
  private timer: NodeJS.Timeout | undefined;
  private pass: Promise<void> | undefined;

  constructor(private readonly parts: KernelSharingParts) {}

  /** Begins the first pass without waiting for it; then one at each interval. */
  start(): void {
    this.beginPass(() => this.forgetLost().then(() => this.reconcileAll()));
    this.timer = setInterval(() => {
      this.beginPass(() => this.reconcileAll());
    }, reconcileEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.pass;
    await this.reconciler.idle();
  }

  private beginPass(pass: () => Promise<void>): void {
    if (!this.parts.leads()) return;
    this.pass ??= pass()
      .catch((err: unknown) => {
        this.parts.log.warn({ err }, 'cannot reconcile the copies of kernel builds now');
      })
      .finally(() => {
        this.pass = undefined;
      });
  }

  private async reconcileAll(): Promise<void> {
    for (const kernel of await this.parts.db.kernelCopies.wanting()) {
      await this.reconciler.request(kernel).catch((err: unknown) => {
        this.parts.log.warn({ err, kernel }, 'cannot reconcile the copy of a kernel build now');
      });
    }
  }

  /** A store that was emptied, or another one. */
  private async forgetLost(): Promise<void> {
    const { db, log } = this.parts;
    for (const [kernel, copy] of await db.kernelCopies.list()) {
      if (await this.isThere(copy)) continue;
      log.warn({ kernel }, 'the copy of a kernel build is not in the artifact store any more');
      await db.kernelCopies.forget(copy.sha256);
    }
  }

  private async isThere({ sha256, parts }: KernelCopyRecord): Promise<boolean> {
    const kept = new Set((await this.parts.artifacts.list()).map((artifact) => artifact.sha256));
    return [sha256, ...parts].every((file) => kept.has(file));
  }

  private async settle(kernel: KernelBuildId): Promise<void> {
    const { queue, log } = this.parts;
    const jobId = jobIdOf(kernel);
    const state = await queue.state(jobId);
    switch (state.state) {
      case 'waiting':
      case 'active':
        return;
      case 'absent':
        if (performance.now() < (this.notBefore.get(kernel) ?? 0)) return;
        await queue.add(jobId, { kind: 'share-kernel', kernelBuild: kernel }, 'low');
        return;
      case 'completed':
        await this.accept(kernel, state.result);
        break;
      case 'failed':
        log.warn({ kernel, failure: state.failure }, 'a kernel build could not be shared: tried again in a while');
        this.notBefore.set(
          kernel,
          performance.now() + (state.failure.reason === lacksKernelReason ? askAgainAfterMs : tryAgainAfterMs),
        );
        break;
    }
    await queue.remove(jobId);
  }

  /** A worker's word is taken for what the store shows; what the files hold is checked by who fetches them. */
  private async accept(kernel: KernelBuildId, result: JobResult): Promise<void> {
    const { db, log } = this.parts;
    try {
      const copy = readCopy(result);
      if (!(await this.isThere(copy))) throw unusable('not all of its files are in the artifact store');
      await db.kernelCopies.keep(kernel, copy);
      log.info({ kernel, sizeBytes: copy.sizeBytes, parts: copy.parts.length }, 'shared a kernel build');
    } catch (err) {
      // A database that is away, say, has found nothing wrong with the copy: it is looked at again.
      if (!(err instanceof LockstepError) || err.kind === 'unavailable') throw err;
      log.warn({ err, kernel }, 'a copy of a kernel build is not usable: made again');
    }
  }
}

const unusable = (why: string): LockstepError => new LockstepError('corrupt', 'wrong-result', why);

function readCopy(result: JobResult): KernelCopyRecord {
  if (result.kind !== 'share-kernel') throw unusable(`the result is of kind ${result.kind}`);
  const { sha256, parts, sizeBytes } = result.copy;
  if (!Number.isSafeInteger(sizeBytes) || parts.length === 0) throw unusable('the result is malformed');
  return { sha256: parseSha256(sha256), parts: parts.map((part) => parseSha256(part)), sizeBytes };
}
