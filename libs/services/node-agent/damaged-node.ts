// SPDX-License-Identifier: GPL-2.0-only
import { headHash } from '@lockstep/domain/load-order';
import { seqZero } from '@lockstep/domain/livepatch-model';
import type { NodeView, Observation, Problem } from '@lockstep/domain/node-state';
import { observeMachine, type Machine } from './job-runner';
import type { Log } from './logger';
import type { NodeMind } from './node-mind';
import { problemFrom } from './problem';

export interface DamagedNodeOptions {
  /** What is wrong with the journal, and what to do. */
  readonly problem: Problem;
  readonly machine: Machine;
  readonly log: Log;
  readonly lookEveryMs: number;
  /** The view may have changed. */
  readonly onReport: () => void;
}

/**
 * In the brain's place where the journal does not verify. What this node accepted is not known, so it accepts and changes
 * nothing: it looks at the kernel, and says what is wrong.
 */
export class DamagedNode implements NodeMind {
  readonly entries = [];
  private seen: Observation | undefined;
  private lookTimer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private lastFailure: string | undefined;

  constructor(private readonly options: DamagedNodeOptions) {}

  get view(): NodeView {
    const { entries, seen } = this;
    return {
      status: 'failed',
      problem: this.options.problem,
      position: seqZero,
      target: seqZero,
      headSeq: seqZero,
      headHash: headHash(entries),
      stack: seen?.patches ?? [],
      kernelConflicts: seen?.kernelConflicts ?? [],
      lastTransition: seen?.lastTransition,
      obstacles: seen?.obstacles ?? [],
      ...(seen?.trouble && { trouble: seen.trouble }),
    };
  }

  start(): void {
    const { log, problem, lookEveryMs } = this.options;
    log('error', 'nothing is loaded or unloaded', { reason: problem.reason, problem: problem.message });
    const look = (): void => {
      // A slow kernel is not asked again before it has answered.
      this.looking ??= this.look().finally(() => {
        this.looking = undefined;
      });
    };
    look();
    this.lookTimer = setInterval(look, lookEveryMs);
  }

  /** Nothing is taken in; the answer is where this node stands. */
  tell(): Promise<void> {
    this.options.onReport();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    clearInterval(this.lookTimer);
    await this.looking;
  }

  private async look(): Promise<void> {
    const { machine, log, onReport } = this.options;
    const seen = await observeMachine(machine).catch(problemFrom);
    if (!('reason' in seen)) {
      this.seen = seen;
      this.lastFailure = undefined;
      onReport();
    } else if (seen.message !== this.lastFailure) {
      this.lastFailure = seen.message;
      log('warn', 'could not look at the kernel', { reason: seen.reason, problem: seen.message });
    }
  }
}
