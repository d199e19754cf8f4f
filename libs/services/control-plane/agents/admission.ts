// SPDX-License-Identifier: GPL-2.0-only
import { comeBackWithinField } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';

export interface AdmissionParts {
  readonly mostAtOnce: number;
  /** Over how long those who are sent away are to spread their next tries. */
  readonly windowMs: () => number;
}

/** Lets in so many at once; who comes meanwhile is told when to come again, and waits outside. */
export class Admission {
  private inside = 0;

  constructor(private readonly parts: AdmissionParts) {}

  /** @throws LockstepError `unavailable` `busy`, which says within what time to come. */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    const { mostAtOnce, windowMs } = this.parts;
    if (this.inside >= mostAtOnce) {
      const message = `The control plane welcomes ${mostAtOnce} nodes at once, and so many are coming now.`;
      throw new LockstepError('unavailable', 'busy', message, { [comeBackWithinField]: windowMs() });
    }
    this.inside += 1;
    try {
      return await work();
    } finally {
      this.inside -= 1;
    }
  }
}
