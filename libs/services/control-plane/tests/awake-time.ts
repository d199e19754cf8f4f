// SPDX-License-Identifier: GPL-2.0-only

const tickMs = 10;

/** Counts the time in which this process had its turns: what a busy machine let it stand still is not time that it took. */
export class AwakeTime implements Disposable {
  private ticks = 0;
  private readonly timer = setInterval(() => {
    this.ticks += 1;
  }, tickMs);

  get ms(): number {
    return this.ticks * tickMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
  }
}
