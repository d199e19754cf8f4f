// SPDX-License-Identifier: GPL-2.0-only
import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { addStates } from './add-states';
import { nobody, type SwarmOrder, type SwarmStart, type SwarmState } from './swarm-messages';

/** What one process has of an order that is for all. */
function shareOf(order: SwarmOrder, index: number, count: number): SwarmOrder {
  const isMine = (_: unknown, at: number): boolean => at % count === index;
  if (order.kind === 'enrol') return { ...order, joinTokens: order.joinTokens.filter(isMine) };
  if (order.kind === 'take') return { ...order, identities: order.identities.filter(isMine) };
  if (order.kind === 'distrust') {
    const places = order.places.filter((place) => place % count === index).map((place) => Math.floor(place / count));
    return { ...order, places };
  }
  if (order.kind === 'start') return { ...order, connectPerSecond: order.connectPerSecond / count };
  return order;
}

/** Thousands of agents, in processes of their own: as many as the machine has processors. */
export class Swarm implements AsyncDisposable {
  private readonly children: readonly ChildProcess[];
  private readonly states: SwarmState[];
  private readonly changes = new EventEmitter();

  constructor(bundles: string, start: Omit<SwarmStart, 'kind'>) {
    this.children = Array.from({ length: availableParallelism() }, () =>
      fork(path.join(bundles, 'bench-fleet-swarm.js'), [], {
        execArgv: ['--max-old-space-size=8192'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    );
    this.states = this.children.map(() => nobody);
    for (const [index, child] of this.children.entries()) {
      child.on('message', (state: SwarmState) => {
        this.states[index] = state;
        this.changes.emit('change');
      });
    }
    this.tell({ kind: 'start', ...start });
  }

  get state(): SwarmState {
    return this.states.reduce(addStates);
  }

  /** Each process gets its share of what is for single agents. */
  tell(order: SwarmOrder): void {
    for (const [index, child] of this.children.entries()) child.send(shareOf(order, index, this.children.length));
  }

  /** @returns after how many seconds it was so. @throws Error when it was not in time. */
  async until(what: string, holds: (state: SwarmState) => boolean, withinMs: number): Promise<number> {
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(withinMs);
    while (!holds(this.state)) {
      await once(this.changes, 'change', { signal }).catch(() => undefined);
      const { failure } = this.state;
      if (failure !== undefined) throw new Error(`The agents failed: ${failure}`);
      if (signal.aborted) throw new Error(`${what}: not within ${withinMs / 1000} s. ${JSON.stringify(this.state)}`);
    }
    return (performance.now() - startedAt) / 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const living = this.children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const gone = living.map((child) => once(child, 'exit'));
    for (const child of living) child.kill('SIGKILL');
    await Promise.all(gone);
  }
}
