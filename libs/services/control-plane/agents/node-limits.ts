// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { comeBackWithinField } from '@lockstep/contracts/wire';
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { PlaneMetrics } from '../monitoring/plane-metrics';
import { RateLimit, type Rate } from './rate-limit';

export interface NodeRates {
  /** A node says what is new, and a heartbeat four times a minute. */
  readonly reports: Rate;
  /** A stream, downloads, a renewal: after a long time away many at once. */
  readonly calls: Rate;
}

/** Time, as tests may want it. */
export interface Clock {
  readonly nowMs: () => number;
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

const realClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};

/** A node that has been held up for so long without a pause does not obey. */
const patienceMs = 60_000;
const comeBackWithinMs = 60_000;

function flooding(node: NodeName, reason: string, what: string, { perSecond }: Rate): LockstepError {
  const message = `Node ${node} ${what}: ${perSecond} a second are taken. It may come again in a minute.`;
  const fields = { node, perSecond, [comeBackWithinField]: comeBackWithinMs };
  return new LockstepError('unavailable', reason, message, fields);
}

/** What one node may have done for it, however many connections it makes: whoever floods waits, and nobody else does. */
export class NodeLimits {
  private readonly calls: RateLimit;
  private readonly reports: RateLimit;
  /** Since when each has not been let through without waiting. */
  private readonly heldUpSinceMs = new Map<NodeName, number>();

  constructor(
    private readonly rates: NodeRates,
    private readonly metrics: Pick<PlaneMetrics, 'noteLimited'>,
    private readonly clock: Clock = realClock,
  ) {
    this.calls = new RateLimit(rates.calls, clock.nowMs);
    this.reports = new RateLimit(rates.reports, clock.nowMs);
  }

  /** @throws LockstepError `unavailable` `too-many-calls`, which says within what time to come. */
  admitCall(node: NodeName): void {
    if (this.calls.take(node) === 0) return;
    this.metrics.noteLimited('calls-of-node');
    throw flooding(node, 'too-many-calls', 'calls too often', this.rates.calls);
  }

  /**
   * Until its next report may be taken in. What is not read meanwhile waits at the node.
   * @throws LockstepError `unavailable` `too-many-reports`; an AbortError when the signal aborts.
   */
  async turnToReport(node: NodeName, signal: AbortSignal): Promise<void> {
    let waitMs = this.reports.take(node);
    if (waitMs === 0) {
      this.heldUpSinceMs.delete(node);
      return;
    }
    this.metrics.noteLimited('reports-of-node');
    const since = this.heldUpSinceMs.get(node) ?? this.clock.nowMs();
    this.heldUpSinceMs.set(node, since);
    if (this.clock.nowMs() - since > patienceMs) {
      this.heldUpSinceMs.delete(node);
      throw flooding(
        node,
        'too-many-reports',
        `has reported without a pause for ${patienceMs / 1_000} s`,
        this.rates.reports,
      );
    }
    while (waitMs > 0) {
      await this.clock.sleep(waitMs, signal);
      signal.throwIfAborted();
      waitMs = this.reports.take(node);
    }
  }
}
