// SPDX-License-Identifier: GPL-2.0-only
import { comeBackWithinField } from '@lockstep/contracts/wire';
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';

/** An agent that hears nothing for 30 s takes its server for hung. */
const signOfLifeEveryMs = 10_000;
/** An agent fetches one module at a time. */
const mostOfNode = 4;
const comeBackWithinMs = 60_000;

interface Transfer {
  isUnderWay: boolean;
  /** Its turn has come. */
  begin: () => void;
}

export interface TransfersParts {
  readonly mostAtOnce: number;
  /** Some node has its share. */
  readonly onLimited?: () => void;
  /** Shorter in tests. */
  readonly signOfLifeEveryMs?: number;
}

/**
 * Downloads, so many at once: each has chunks in memory and on their way, and a fleet that moves fetches its module all
 * at once. The others wait in turn.
 */
export class Transfers {
  private underWay = 0;
  private readonly waiting = new Set<Transfer>();
  private readonly ofNode = new Map<NodeName, number>();

  constructor(private readonly parts: TransfersParts) {}

  /**
   * What `source` gives, once it is its turn; until then `signOfLife` now and then.
   * @throws LockstepError `unavailable` `too-many-downloads`, which says within what time to come.
   */
  async *inTurn<T>(node: NodeName, signOfLife: T, source: () => AsyncIterable<T>): AsyncGenerator<T> {
    this.insistOnShare(node);
    const transfer: Transfer = { isUnderWay: false, begin: () => undefined };
    this.count(node, 1);
    this.waiting.add(transfer);
    this.beginNext();
    try {
      while (!(await this.comesToTurn(transfer))) yield signOfLife;
      yield* source();
    } finally {
      this.count(node, -1);
      this.waiting.delete(transfer);
      if (transfer.isUnderWay) this.underWay -= 1;
      this.beginNext();
    }
  }

  /** @returns false after a while in which it is not its turn. */
  private comesToTurn(transfer: Transfer): Promise<boolean> {
    if (transfer.isUnderWay) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(transfer.isUnderWay);
      }, this.parts.signOfLifeEveryMs ?? signOfLifeEveryMs);
      transfer.begin = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  private beginNext(): void {
    for (const transfer of this.waiting) {
      if (this.underWay >= this.parts.mostAtOnce) return;
      this.waiting.delete(transfer);
      this.underWay += 1;
      transfer.isUnderWay = true;
      transfer.begin();
    }
  }

  private insistOnShare(node: NodeName): void {
    if ((this.ofNode.get(node) ?? 0) < mostOfNode) return;
    this.parts.onLimited?.();
    const message = `Node ${node} has ${mostOfNode} downloads under way already. It may come again in a minute.`;
    const fields = { node, [comeBackWithinField]: comeBackWithinMs };
    throw new LockstepError('unavailable', 'too-many-downloads', message, fields);
  }

  private count(node: NodeName, more: 1 | -1): void {
    const count = (this.ofNode.get(node) ?? 0) + more;
    if (count > 0) this.ofNode.set(node, count);
    else this.ofNode.delete(node);
  }
}
