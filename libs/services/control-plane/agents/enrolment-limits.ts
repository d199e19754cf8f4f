// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { RecentFailures } from '../grpc/recent-failures';

/** Each costs a certificate and a transaction, some 40 ms of the one thread. */
const mostAtOnce = 32;
/** How often one join token that is no good is looked up for one address: a machine shows the same one again and again. */
const mostOfToken = 20;
/** And how many of them for one address: a whole site may be behind it. */
const mostOfAddress = 1_000;

const busy = (): LockstepError =>
  new LockstepError('unavailable', 'enrolling-many', 'Many machines enrol at once: ask again in a moment.');

function refusedAgain(address: string): LockstepError {
  const message =
    `This join token was refused ${mostOfToken} times within a minute from ${address}: it is unknown, used or expired, ` +
    'and is not looked up again. Make a new one with `lockstep node join`.';
  return new LockstepError('unauthenticated', 'join-token-refused', message, { address });
}

function tooManyWrong(address: string): LockstepError {
  const message =
    `${mostOfAddress} join tokens that are no good came from ${address} within a minute: somebody there guesses, or many ` +
    'machines have old ones. No other is looked up for it before the minute is over.';
  return new LockstepError('unavailable', 'wrong-join-tokens', message, { address });
}

/** Whoever wants to become a node. */
export interface Applicant {
  readonly address: string;
  /** Names the join token, and tells nothing of it. */
  readonly tokenSha256: string;
}

/** How much anybody may have done for them who wants to become a node. Agents ask again by themselves. */
export class EnrolmentLimits {
  private atOnce = 0;
  private readonly ofTokens: RecentFailures;
  private readonly ofAddresses: RecentFailures;

  /** @param onLimited somebody was told to wait, or that it is enough */
  constructor(
    private readonly onLimited: () => void,
    nowMs: () => number = () => performance.now(),
  ) {
    this.ofTokens = new RecentFailures(nowMs);
    this.ofAddresses = new RecentFailures(nowMs);
  }

  /**
   * Does it, unless there is too much to do, this very token was no good from there again and again, or far too many
   * were: then nothing is looked up. Other machines behind the same address are not held up by the first.
   * @throws LockstepError `unavailable` `enrolling-many`, `wrong-join-tokens`; `unauthenticated` `join-token-refused`.
   */
  async admit<T>({ address, tokenSha256 }: Applicant, enrol: () => Promise<T>): Promise<T> {
    const shown = `${address} ${tokenSha256}`;
    const refusal = this.refusalOf(shown, address);
    if (refusal !== undefined) {
      this.onLimited();
      throw refusal;
    }
    this.atOnce += 1;
    try {
      return await enrol();
    } catch (error) {
      if (error instanceof LockstepError && error.kind === 'unauthenticated') {
        this.ofTokens.add(shown);
        this.ofAddresses.add(address);
      }
      throw error;
    } finally {
      this.atOnce -= 1;
    }
  }

  private refusalOf(shown: string, address: string): LockstepError | undefined {
    if (this.ofTokens.countOf(shown) >= mostOfToken) return refusedAgain(address);
    if (this.ofAddresses.countOf(address) >= mostOfAddress) return tooManyWrong(address);
    return this.atOnce >= mostAtOnce ? busy() : undefined;
  }
}
