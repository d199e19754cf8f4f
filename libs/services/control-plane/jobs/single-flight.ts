// SPDX-License-Identifier: GPL-2.0-only

/**
 * Runs `work` for a key, one at a time. Asked again meanwhile, it runs once more afterwards, however often it was
 * asked: for work that looks at how things are, the last run has seen all of it.
 */
export class SingleFlight {
  private readonly running = new Map<string, Promise<void>>();
  private readonly again = new Set<string>();

  constructor(private readonly work: (key: string) => Promise<void>) {}

  run(key: string): Promise<void> {
    const current = this.running.get(key);
    if (current !== undefined) {
      this.again.add(key);
      return current;
    }
    const loop = this.loop(key).finally(() => this.running.delete(key));
    this.running.set(key, loop);
    return loop;
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running.values());
  }

  private async loop(key: string): Promise<void> {
    do {
      this.again.delete(key);
      await this.work(key);
    } while (this.again.has(key));
  }
}
