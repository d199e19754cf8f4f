// SPDX-License-Identifier: GPL-2.0-only

export interface FewATurnOptions<T> {
  readonly most: number;
  readonly work: (item: T) => void;
}

/** Does what comes at once a few at a time, in order, and lets the event loop turn in between. */
export class FewATurn<T> {
  private readonly waiting: T[] = [];
  private isDue = false;

  constructor(private readonly options: FewATurnOptions<T>) {}

  add(item: T): void {
    this.waiting.push(item);
    this.goOn();
  }

  /** What waits, which is not done any more. */
  clear(): T[] {
    return this.waiting.splice(0);
  }

  private goOn(): void {
    if (this.isDue || this.waiting.length === 0) return;
    this.isDue = true;
    setImmediate(() => {
      this.isDue = false;
      const some = this.waiting.splice(0, this.options.most);
      // Also if one of them fails.
      this.goOn();
      for (const item of some) this.options.work(item);
    });
  }
}
