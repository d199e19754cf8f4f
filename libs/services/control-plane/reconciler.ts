// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Brings what a key names to what it should be, one run at a time. Requested again meanwhile, it runs once more afterwards,
 * however often it was requested: `work` reads how things are, so the last run has seen all of it.
 */
export class Reconciler {
  private readonly running = new Map<string, Promise<void>>();
  private readonly again = new Set<string>();

  private readonly beganAtMs = new Map<string, number>();
  private readonly stopping = new AbortController();

  /** @param everyMs the runs of one key begin no closer to each other than this */
  constructor(
    private readonly work: (key: string) => Promise<void>,
    private readonly everyMs = 0,
  ) {}

  request(key: string): Promise<void> {
    const current = this.running.get(key);
    if (current !== undefined) {
      this.again.add(key);
      return current;
    }
    const loop = this.loop(key);
    this.running.set(key, loop);
    return loop;
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running.values());
  }

  /** Waits for runs under way; what still waits for its time is not run. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.idle();
  }

  /** Ends as the last run does: it has seen all that those before it did. */
  private async loop(key: string): Promise<void> {
    for (;;) {
      if (this.everyMs > 0) await this.pause(key);
      this.again.delete(key);
      const failed = await this.run(key).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (this.again.has(key)) continue;
      // In the same turn as the last look: what is asked for after that begins anew.
      this.running.delete(key);
      if (failed !== undefined) throw failed.error;
      return;
    }
  }

  private async run(key: string): Promise<void> {
    if (!this.stopping.signal.aborted) await this.work(key);
  }

  /** Those whose time has passed are as good as never run. */
  private forgetOld(nowMs: number): void {
    for (const [key, beganAtMs] of this.beganAtMs) {
      if (beganAtMs + this.everyMs > nowMs) return;
      this.beganAtMs.delete(key);
    }
  }

  private async pause(key: string): Promise<void> {
    const waitMs = (this.beganAtMs.get(key) ?? -Infinity) + this.everyMs - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    const nowMs = performance.now();
    this.forgetOld(nowMs);
    this.beganAtMs.delete(key);
    this.beganAtMs.set(key, nowMs);
  }
}
