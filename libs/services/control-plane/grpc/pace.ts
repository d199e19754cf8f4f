// SPDX-License-Identifier: GPL-2.0-only

export interface PaceOptions {
  /** So many begin, and no more until this time has passed. */
  readonly atOnce: number;
  readonly everyMs: number;
  /** Begins what is next; false where nothing waits. */
  readonly beginNext: () => boolean;
}

/**
 * Lets work begin at a pace that leaves room for everything else. Where the event loop is behind, its ticks are too, and
 * what they miss is not made up for: less begins, so that what has begun gets to its end.
 */
export class Pace {
  private begun = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PaceOptions) {}

  /** There is something to begin, now or when its turn comes. */
  wake(): void {
    const { atOnce, everyMs, beginNext } = this.options;
    while (this.begun < atOnce && beginNext()) this.begun += 1;
    if (this.begun === 0) return;
    this.timer ??= setTimeout(() => {
      this.tick();
    }, everyMs);
  }

  private tick(): void {
    this.timer = undefined;
    this.begun = 0;
    this.wake();
  }
}
