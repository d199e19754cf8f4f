// SPDX-License-Identifier: GPL-2.0-only
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { SwarmOrder, SwarmStart, SwarmState } from './swarm-messages';

/** Thousands of agents, in a process of their own. */
export class Swarm implements AsyncDisposable {
  private readonly child: ChildProcess;
  state: SwarmState = { enrolled: 0, connected: 0, knowing: [], arrived: [], lost: 0, endings: {}, failure: undefined };

  constructor(bundles: string, start: Omit<SwarmStart, 'kind'>) {
    this.child = fork(path.join(bundles, 'bench-fleet-swarm.js'), [], {
      execArgv: ['--max-old-space-size=8192'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('message', (state: SwarmState) => {
      this.state = state;
    });
    this.tell({ kind: 'start', ...start });
  }

  tell(order: SwarmOrder): void {
    this.child.send(order);
  }

  /** @returns after how many seconds it was so. @throws Error when it was not in time. */
  async until(what: string, holds: (state: SwarmState) => boolean, withinMs: number): Promise<number> {
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(withinMs);
    while (!holds(this.state)) {
      await once(this.child, 'message', { signal }).catch(() => undefined);
      if (this.state.failure !== undefined) throw new Error(`The agents failed: ${this.state.failure}`);
      if (signal.aborted) throw new Error(`${what}: not within ${withinMs / 1000} s. ${JSON.stringify(this.state)}`);
    }
    return (performance.now() - startedAt) / 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
