// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport, Problem } from '@lockstep/contracts/generated';
import { nodeStatusToWire } from '@lockstep/contracts/wire';
import { LockstepError, type NodeName, type Seq } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import { isDatabaseAway } from '@lockstep/io/database';
import { lookAgainMs, type NodeSession } from './node-session';

export interface AheadSessionOptions {
  readonly node: NodeName;
  readonly log: LogName;
  readonly bootId: string;
  /** Proven: what follows our log and we have lost. */
  readonly entries: readonly LogEntry[];
  readonly problem: Problem;
  /** Where our log ends now. */
  readonly ourHead: () => Promise<Seq>;
  readonly close: (error: unknown) => void;
}

const comeAgain = (): LockstepError =>
  new LockstepError('unavailable', 'recovered', 'The load order has been recovered: connect again.');

/**
 * A node that knows entries of ours that we have lost. Its stream stays open, so that they can be had back, and nothing
 * is sent on it: whatever we would say belongs to an older state. It ends when our log has come that far, so that the
 * node is judged anew; also where that happened between the first judgement and now.
 */
export class AheadSession implements NodeSession {
  readonly node: NodeName;
  readonly log: LogName;
  readonly bootId: string;
  readonly offeredSeq: number;
  readonly entries: readonly LogEntry[];
  private closed = false;

  constructor(private readonly options: AheadSessionOptions) {
    this.node = options.node;
    this.log = options.log;
    this.bootId = options.bootId;
    this.entries = options.entries;
    this.offeredSeq = options.entries.at(-1)?.seq ?? 0;
  }

  wake(): void {
    if (this.closed) return;
    this.options.ourHead().then(
      (head) => {
        if (this.entries.some(({ seq }) => seq <= head)) this.close(comeAgain());
      },
      (error: unknown) => {
        if (!isDatabaseAway(error)) this.close(error);
        else setTimeout(this.wake.bind(this), lookAgainMs).unref();
      },
    );
  }

  moveTo(): void {}

  /** It reports `ahead`, not `quarantined`: there is nothing to release. */
  release(): void {}

  /** Nor is it `diverged`. */
  repair(): void {}

  /** No rollout waits for it. */
  probe(): void {}

  seen(report: NodeReport): NodeReport {
    return { ...report, status: nodeStatusToWire('ahead'), problem: this.options.problem };
  }

  close(error: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.options.close(error);
  }
}
