// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Each costs a certificate and a transaction, some 40 ms of the one thread. */
const mostAtOnce = 32;
/** Join tokens that are no good, of one address. */
const mostFailures = 20;
const failuresWithinMs = 60_000;
/** Addresses that are remembered. */
const mostAddresses = 10_000;

interface Failures {
  readonly sinceMs: number;
  readonly count: number;
}

const busy = (): LockstepError =>
  new LockstepError('unavailable', 'enrolling-many', 'Many machines enrol at once: ask again in a moment.');

/** How much anybody may have done for them who wants to become a node. Agents ask again by themselves. */
export class EnrolmentLimits {
  private atOnce = 0;
  private readonly failures = new Map<string, Failures>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /**
   * Does it, unless there is too much to do, or this address has shown too many tokens that are no good: then nothing
   * is looked up for it for a while. @throws LockstepError `unavailable` `enrolling-many`.
   */
  async admit<T>(address: string, enrol: () => Promise<T>): Promise<T> {
    if (this.atOnce >= mostAtOnce || this.failuresOf(address).count >= mostFailures) throw busy();
    this.atOnce += 1;
    try {
      return await enrol();
    } catch (error) {
      if (error instanceof LockstepError && error.kind === 'unauthenticated') this.noteFailure(address);
      throw error;
    } finally {
      this.atOnce -= 1;
    }
  }

  private failuresOf(address: string): Failures {
    const known = this.failures.get(address);
    const isOver = known === undefined || this.nowMs() - known.sinceMs > failuresWithinMs;
    return isOver ? { sinceMs: this.nowMs(), count: 0 } : known;
  }

  private noteFailure(address: string): void {
    const { sinceMs, count } = this.failuresOf(address);
    if (this.failures.size >= mostAddresses) this.failures.clear();
    this.failures.set(address, { sinceMs, count: count + 1 });
  }
}
