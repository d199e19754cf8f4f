// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import { counted } from '@lockstep/domain/visible-text';
import type { NodeRecord } from '@lockstep/io/database';
import type { AgentSessions } from './agent-sessions';
import type { KnownNodes } from './known-nodes';
import { lostAfterMs } from './return-time';

export interface FleetReturnParts {
  readonly nodes: Pick<KnownNodes, 'list' | 'size'>;
  readonly sessions: Pick<AgentSessions, 'hasCome'>;
  readonly returnGraceMs?: number | undefined;
}

/**
 * After a start every agent is still to come back: until each of a cluster has, or has had its time to, nobody's absence
 * says anything, and nothing is decided by it.
 */
export class FleetReturn {
  private settledAtMs = 0;

  constructor(private readonly parts: FleetReturnParts) {}

  /** @returns after how many ms all have had their time. */
  start(nowMs: number): number {
    const settleMs = lostAfterMs(this.parts.nodes.size, this.parts.returnGraceMs);
    this.settledAtMs = nowMs + settleMs;
    return settleMs;
  }

  /** It was here before the start, has not been since, and may still come back. */
  isAwaited({ name, lastSeenAt }: Pick<NodeRecord, 'name' | 'lastSeenAt'>, nowMs: number): boolean {
    return nowMs < this.settledAtMs && lastSeenAt !== null && !this.parts.sessions.hasCome(name);
  }

  hasSettled(cluster: ClusterName, nowMs: number): boolean {
    return nowMs >= this.settledAtMs || this.awaited(cluster, nowMs).length === 0;
  }

  /** @throws LockstepError `unavailable` `fleet-returning`, which says how many are missing and when to ask again. */
  requireSettled(cluster: ClusterName, nowMs: number): void {
    if (this.hasSettled(cluster, nowMs)) return;
    const missing = this.awaited(cluster, nowMs).length;
    const retryAfterMs = Math.ceil(this.settledAtMs - nowMs);
    const message =
      `The control plane has just started, and ${counted(missing, 'node')} of cluster "${cluster}" ${missing === 1 ? 'is' : 'are'} still to come back: a plan ` +
      `made now would leave them out. Ask again in ${Math.ceil(retryAfterMs / 1_000)} s.`;
    throw new LockstepError('unavailable', 'fleet-returning', message, { cluster, missing, retryAfterMs });
  }

  private awaited(cluster: ClusterName, nowMs: number): NodeRecord[] {
    return this.parts.nodes.list(cluster).filter((node) => this.isAwaited(node, nowMs));
  }
}
