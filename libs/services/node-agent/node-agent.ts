// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { NodeView } from '@lockstep/domain/node-state';
import { makeFolder, type FileLock } from '@lockstep/platform/runtime';
import { LocalLoader, type LoaderOptions } from './local-loader';
import { NetworkHalf, type NetworkOptions } from './network-half';
import { NodeTraces } from './node-traces';
import { stopsInTime, type EndReason } from './ordered-end';
import { sayShutdown } from './say-shutdown';
import { claimStateDir } from './single-instance';

/** Both halves use one state folder, which is made 0700. */
export type NodeAgentOptions = Omit<LoaderOptions & NetworkOptions, 'traces' | 'signal'>;

/** One node in one process, both halves of it: `create`, `start`, `stop`. */
export class NodeAgent {
  private readonly abort = new AbortController();
  private readonly traces = new NodeTraces();
  private readonly network: NetworkHalf;
  private loader: LocalLoader | undefined;
  private claim: FileLock | undefined;
  private starting: Promise<void> = Promise.resolve();

  constructor(private readonly options: NodeAgentOptions) {
    this.network = new NetworkHalf({ ...options, traces: this.traces, signal: this.abort.signal });
  }

  /** What the node would report now; undefined before it has started. */
  get view(): NodeView | undefined {
    return this.loader?.view;
  }

  /**
   * Enrols if need be, then restores the stack and keeps it, with a control plane or without.
   * With a journal that does not verify it only looks and says so.
   * @throws LockstepError when the node cannot enrol or its identity cannot be trusted; `cancelled` when it was stopped.
   */
  start(): Promise<void> {
    const started = this.bringUp();
    this.starting = started.catch(() => undefined);
    return started;
  }

  /**
   * Also while it starts: then nothing is begun any more.
   * `machine-stops`: the machine is shut down in order, so the next boot need not take the end of this one for a crash.
   * That is not said while a load is under way: nobody would know what it does on the way down.
   */
  async stop(why: EndReason = 'agent-stops'): Promise<void> {
    this.abort.abort(new LockstepError('cancelled', 'stopping', 'The agent was stopped while it started.'));
    const stopped = this.starting.then(() => Promise.all([this.network.stop(), this.loader?.stop()]));
    const isAtRest = await stopsInTime(why, stopped);
    if (why === 'machine-stops' && isAtRest) await sayShutdown(this.options);
    await this.loader?.close();
    await this.claim?.[Symbol.asyncDispose]();
  }

  private async bringUp(): Promise<void> {
    const { stateDir } = this.options;
    await makeFolder(stateDir);
    this.claim = await claimStateDir(stateDir);
    this.loader = await LocalLoader.create({ ...this.options, traces: this.traces, signal: this.abort.signal });
    await this.network.start(this.loader);
  }
}
