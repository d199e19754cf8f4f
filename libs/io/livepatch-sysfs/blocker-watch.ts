// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import type { Blocker, Transition } from '@lockstep/domain/node-state';

/**
 * Who has been seen in the way of one transition. To look reads every task, which takes seconds on a large or busy host;
 * whoever waits for the transition must not wait for a look too: the kernel interrupts sleepers soon after its time is over.
 */
export class BlockerWatch {
  private seen: readonly Blocker[] = [];
  private looking: Promise<void> | undefined;
  private isOver = false;

  constructor(
    private readonly module: ModuleName,
    private readonly lastTransition: () => Promise<Transition | undefined>,
  ) {}

  /** Begins a look, unless one goes on. `onSeen` is told what it saw, unless the watch is over by then. */
  begin(onSeen?: (blockers: readonly Blocker[]) => void): void {
    this.looking ??= this.look(onSeen);
  }

  /** What is seen now, or, where that takes longer than this, was seen last. */
  async within(ms: number): Promise<readonly Blocker[]> {
    const stop = new AbortController();
    const time = sleep(ms, undefined, { signal: stop.signal }).catch(() => undefined);
    this.begin();
    await Promise.race([this.looking, time]);
    stop.abort();
    return this.seen;
  }

  end(): void {
    this.isOver = true;
  }

  private async look(onSeen?: (blockers: readonly Blocker[]) => void): Promise<void> {
    try {
      const last = await this.lastTransition();
      if (last?.module === this.module) this.seen = last.blockers;
      if (!this.isOver) onSeen?.(this.seen);
    } catch {
      // What cannot be seen now is no reason to leave the transition as it is.
    } finally {
      this.looking = undefined;
    }
  }
}
