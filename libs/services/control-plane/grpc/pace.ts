// SPDX-License-Identifier: GPL-2.0-only

export interface PaceOptions {
  /** So many begin, and no more until this time has passed. */
  readonly atOnce: number;
  readonly everyMs: number;
}

/**
 * Lets work begin in the order in which it came, at a pace that leaves room for everything else. Where the event loop is
 * behind, its ticks are too, and what they miss is not made up for: less begins, so that what has begun gets to its end.
 */
export class Pace {
  private readonly waiting: (() => void)[] = [];
  private begun = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PaceOptions) {}

  begin(work: () => void): void {
    const { atOnce, everyMs } = this.options;
    this.timer ??= setTimeout(() => {
      this.tick();
    }, everyMs);
    if (this.begun >= atOnce) this.waiting.push(work);
    else {
      this.begun += 1;
      work();
    }
  }

  private tick(): void {
    this.timer = undefined;
    this.begun = 0;
    for (const work of this.waiting.splice(0, this.options.atOnce)) this.begin(work);
  }
}
