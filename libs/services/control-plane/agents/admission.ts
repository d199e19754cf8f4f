// SPDX-License-Identifier: GPL-2.0-only
import { comeBackWithinField } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';

export interface AdmissionParts {
  readonly mostAtOnce: number;
  /** So many more wait for their turn. */
  readonly mostWaiting: number;
  /** Over how long those who are sent away are to spread their next tries. */
  readonly windowMs: () => number;
}

/**
 * Lets in so many at once. Who comes meanwhile waits in turn: it has its connection, and to come again would cost it and
 * us another one. Only where too many wait is one sent away, and told when to come.
 */
export class Admission {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly parts: AdmissionParts) {}

  /**
   * @param signal who has gone meanwhile is not let in
   * @throws LockstepError `unavailable` `busy`, which says within what time to come; and what the signal says.
   */
  async admit<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.turn();
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.inside -= 1;
      // Its place inside is the one that is left.
      else next();
    }
  }

  private async turn(): Promise<void> {
    const { mostAtOnce, mostWaiting, windowMs } = this.parts;
    if (this.inside < mostAtOnce) {
      this.inside += 1;
      return;
    }
    if (this.waiting.length >= mostWaiting) {
      const message = `The control plane welcomes ${mostAtOnce} nodes at once, and ${mostWaiting} more wait already.`;
      throw new LockstepError('unavailable', 'busy', message, { [comeBackWithinField]: windowMs() });
    }
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
