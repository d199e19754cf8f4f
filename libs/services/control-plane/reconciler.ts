// SPDX-License-Identifier: GPL-2.0-only

/**
 * Brings what a key names to what it should be, one run at a time. Requested again meanwhile, it runs once more afterwards,
 * however often it was requested: `work` reads how things are, so the last run has seen all of it.
 */
export class Reconciler {
  private readonly running = new Map<string, Promise<void>>();
  private readonly again = new Set<string>();

  constructor(private readonly work: (key: string) => Promise<void>) {}

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

  /** Ends as the last run does: it has seen all that those before it did. */
  private async loop(key: string): Promise<void> {
    for (;;) {
      this.again.delete(key);
      const failed = await this.work(key).then(
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
}
