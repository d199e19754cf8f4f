// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport, Problem } from '@lockstep/contracts/generated';
import { nodeStatusToWire } from '@lockstep/contracts/wire';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import type { NodeSession } from './node-session';

export interface AheadSessionOptions {
  readonly node: NodeName;
  readonly log: LogName;
  readonly bootId: string;
  /** Proven: what follows our log and we have lost. */
  readonly entries: readonly LogEntry[];
  readonly problem: Problem;
  readonly close: (error: unknown) => void;
}

/**
 * A node that knows entries of ours that we have lost. Its stream stays open, so that they can be had back, and nothing
 * is sent on it: whatever we would say belongs to an older state.
 */
export class AheadSession implements NodeSession {
  readonly node: NodeName;
  readonly log: LogName;
  readonly bootId: string;
  readonly offeredSeq: number;
  readonly entries: readonly LogEntry[];

  constructor(private readonly options: AheadSessionOptions) {
    this.node = options.node;
    this.log = options.log;
    this.bootId = options.bootId;
    this.entries = options.entries;
    this.offeredSeq = options.entries.at(-1)?.seq ?? 0;
  }

  wake(): void {}

  moveTo(): void {}

  /** It reports `ahead`, not `quarantined`: there is nothing to release. */
  release(): void {}

  seen(report: NodeReport): NodeReport {
    return { ...report, status: nodeStatusToWire('ahead'), problem: this.options.problem };
  }

  close(error: unknown): void {
    this.options.close(error);
  }
}
