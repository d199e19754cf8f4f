// SPDX-License-Identifier: GPL-2.0-only
import { takeSilentNodeOut, type NodeRemover } from '../agents/take-node-out';
import type { Uses } from '../services';

export type SilenceWatchParts = Uses<NodeRemover> & {
  readonly checkEveryMs: number;
};

/**
 * Takes nodes out that were silent for longer than their cluster allows. Looks for the first time only after a while, and
 * not before all have had their time to return: while the control plane was away, or by an older backup's word, everybody
 * has been silent.
 */
export class SilenceWatch {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(private readonly parts: SilenceWatchParts) {}

  start(): void {
    this.timer = setInterval(() => {
      if (!this.parts.replica.leads()) return;
      this.looking ??= this.look().finally(() => {
        this.looking = undefined;
      });
    }, this.parts.checkEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    const { nodes, sessions, rollouts, log } = this.parts;
    try {
      for (const name of await nodes.silent()) {
        const node = nodes.find(name);
        const mayReturn = node !== undefined && rollouts.returns.isAwaited(node, performance.now());
        if (!mayReturn && !sessions.isConnected(name)) await takeSilentNodeOut(this.parts, name);
      }
    } catch (err) {
      log.warn({ err }, 'cannot look for silent nodes now');
    }
  }
}
