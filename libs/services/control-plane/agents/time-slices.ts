// SPDX-License-Identifier: GPL-2.0-only
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * What many streams do at once, in slices of the event loop's time. They all wait for the same answer, as of the
 * database that has a new entry, and without this all of them would go on in the one turn in which it comes.
 */
export class TimeSlices {
  private readonly waiting: (() => void)[] = [];
  /** Those before it have had their turn. */
  private next = 0;
  private isHandingOn = false;
  /** Since when something has been done in this turn of the loop. */
  private beganAtMs: number | undefined;

  /** @param turnMs so long streams may go on in one turn, and one of them longer */
  constructor(
    private readonly turnMs: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Undefined: at once, before anything else is awaited; otherwise when it is resolved. */
  turn(): Promise<void> | undefined {
    if (!this.isHandingOn && this.hasTime()) return undefined;
    const turn = new Promise<void>((resolve) => this.waiting.push(resolve));
    // Nothing in it can fail.
    if (!this.isHandingOn) this.handOn().catch(() => undefined);
    return turn;
  }

  private hasTime(): boolean {
    const nowMs = this.nowMs();
    if (this.beganAtMs !== undefined) return nowMs - this.beganAtMs < this.turnMs;
    this.beganAtMs = nowMs;
    setImmediate(() => {
      this.beganAtMs = undefined;
    });
    return true;
  }

  private async handOn(): Promise<void> {
    this.isHandingOn = true;
    while (this.next < this.waiting.length) {
      await nextTurn();
      const beganAtMs = this.nowMs();
      do {
        this.waiting[this.next]?.();
        this.next += 1;
        // It does its part before this goes on.
        await Promise.resolve();
      } while (this.next < this.waiting.length && this.nowMs() - beganAtMs < this.turnMs);
    }
    this.waiting.length = 0;
    this.next = 0;
    this.isHandingOn = false;
  }
}
