// SPDX-License-Identifier: GPL-2.0-only

interface Held<T> {
  readonly item: T;
  readonly cameAtMs: number;
}

/**
 * Who waits for its turn. Addresses take turns, each with who came first from it: whoever comes a thousand times waits for
 * itself. Who has waited for longer than some clients do may have gone without a word: those come once nobody else
 * waits, the latest first, who is the likeliest to be there. So the longest queue costs those at its end their time only.
 */
export class Turns<T> {
  private readonly fresh = new Map<string, Held<T>[]>();
  private readonly late: Held<T>[] = [];
  private freshCount = 0;

  constructor(
    /** All clients wait at least so long. */
    private readonly surelyThereMs: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  get size(): number {
    return this.freshCount + this.late.length;
  }

  add(address: string, item: T): void {
    const held = { item, cameAtMs: this.nowMs() };
    const others = this.fresh.get(address);
    if (others === undefined) this.fresh.set(address, [held]);
    else others.push(held);
    this.freshCount += 1;
  }

  /** Whose turn it is; it waits no more. */
  next(): T | undefined {
    for (const [address, held] of this.fresh) {
      const first = held.shift();
      // To the end of the row, if there are more of it.
      this.fresh.delete(address);
      if (held.length > 0) this.fresh.set(address, held);
      if (first === undefined) continue;
      this.freshCount -= 1;
      if (this.nowMs() - first.cameAtMs <= this.surelyThereMs) return first.item;
      this.late.push(first);
    }
    return this.late.pop()?.item;
  }

  /** Everybody who waits, who waits no more. */
  clear(): T[] {
    const all = [...this.late.splice(0), ...[...this.fresh.values()].flat()];
    this.fresh.clear();
    this.freshCount = 0;
    return all.map(({ item }) => item);
  }
}
