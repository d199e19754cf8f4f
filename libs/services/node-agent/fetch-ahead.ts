// SPDX-License-Identifier: GPL-2.0-only
import { randomInt } from 'node:crypto';
import { LockstepError, type ArtifactManifest, type Sha256 } from '@lockstep/domain/livepatch-model';
import type { Log } from './logger';
import { problemFrom } from './problem';

/** Where the control plane names no window, as one from before there were any. */
const defaultWindowMs = 60_000;
const longestWindowMs = 3_600_000;

export interface FetchAheadParts {
  /** What there is to fetch, as it is known at the moment: entries may have been retired since the last answer. */
  readonly wanted: () => Promise<readonly ArtifactManifest[]>;
  /** Takes one whole, checked by its sha256, or throws; an abort leaves what has come, to go on from there. */
  readonly fetch: (artifact: ArtifactManifest, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Of the window, when to begin, in ms (default: any moment of it). */
  readonly pick?: ((windowMs: number) => number) | undefined;
}

/**
 * Modules before anybody is told to load them. All nodes of a fleet hear of an entry in the same second, so each begins at
 * a moment of its own, anywhere in a window. It is never in the way of what the node was told to do.
 */
export class FetchAhead {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private abort = new AbortController();
  private current: Sha256 | undefined;
  private isStopped = false;
  /** Jobs that it gives way to, and whether it is to begin after them. */
  private jobs = 0;
  private isDue = false;
  private windowMs = defaultWindowMs;

  constructor(private readonly parts: FetchAheadParts) {}

  /** There may be something to fetch. @param withinMs undefined or 0: nobody said within what time */
  expect(withinMs: number | undefined): void {
    if (this.isStopped) return;
    if (withinMs !== undefined && withinMs > 0) this.windowMs = Math.min(longestWindowMs, withinMs);
    const { pick = (windowMs: number) => randomInt(windowMs) } = this.parts;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.begin();
    }, pick(this.windowMs));
  }

  /**
   * A job fetches this now: nothing else is under way meanwhile. Where it is the very module that comes already, the job
   * begins once that is here, for it was asked for first.
   */
  async givingWayTo<T>(sha256: Sha256, job: () => Promise<T>): Promise<T> {
    this.jobs += 1;
    try {
      if (this.current !== sha256) this.abort.abort(gaveWay());
      await this.running;
      return await job();
    } finally {
      this.jobs -= 1;
      if (this.isDue) this.begin();
    }
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.abort.abort(gaveWay());
    await this.running;
  }

  private begin(): void {
    this.isDue = false;
    if (this.running !== undefined || this.isStopped) return;
    this.abort = new AbortController();
    this.running = this.run(this.abort.signal).finally(() => {
      this.running = undefined;
      this.current = undefined;
    });
  }

  /** One after the other; what went wrong is tried again in a window of its own, or with the next word about the log. */
  private async run(signal: AbortSignal): Promise<void> {
    const { wanted, fetch, log } = this.parts;
    try {
      for (;;) {
        const [next] = await wanted();
        if (next === undefined) return;
        // Never two at once: they would write the same file.
        this.isDue = this.jobs > 0;
        if (this.isDue || this.isStopped) return;
        this.current = next.sha256;
        await fetch(next, signal);
        this.current = undefined;
        log('info', 'module fetched ahead', { module: next.moduleName, sha256: next.sha256 });
      }
    } catch (error) {
      // After the job that was in the way.
      this.isDue = signal.aborted;
      if (signal.aborted) return;
      const { reason, message } = problemFrom(error);
      log('info', 'not fetched ahead', { reason, problem: message });
      if (error instanceof LockstepError && error.kind === 'unavailable' && reason !== 'disk-full') {
        this.expect(undefined);
      }
    }
  }
}

const gaveWay = (): LockstepError =>
  new LockstepError('cancelled', 'gave-way', 'It gave way to what the node was told to do.');
