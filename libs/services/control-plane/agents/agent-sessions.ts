// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import type { AgentSession } from './agent-session';

/**
 * An agent whose stream broke is back within about two seconds, unless it is really gone. Plans wait for it that long,
 * so that a hiccup of the network does not count as a lost node.
 */
export const returnGraceMs = 5_000;

/** The nodes that are connected now. */
export class AgentSessions {
  private readonly sessions = new Map<NodeName, AgentSession>();
  private readonly leftAtMs = new Map<NodeName, number>();

  find(node: NodeName): AgentSession | undefined {
    return this.sessions.get(node);
  }

  isConnected(node: NodeName): boolean {
    return this.sessions.has(node);
  }

  /** Connected, or gone for so short a time that it may just be reconnecting. */
  countsAsConnected(node: NodeName, nowMs: number): boolean {
    return this.isConnected(node) || nowMs - (this.leftAtMs.get(node) ?? -Infinity) < returnGraceMs;
  }

  /** The newest stream of a node is the one that counts: the one before is dead and does not know it yet. */
  enter(session: AgentSession): void {
    const before = this.sessions.get(session.node);
    this.sessions.set(session.node, session);
    this.leftAtMs.delete(session.node);
    before?.close(
      new LockstepError('unavailable', 'replaced', `Node ${session.node} has connected again.`, { node: session.node }),
    );
  }

  /** @returns whether the node is gone now. */
  leave(session: AgentSession, nowMs: number): boolean {
    if (this.sessions.get(session.node) !== session) return false;
    this.sessions.delete(session.node);
    this.leftAtMs.set(session.node, nowMs);
    return true;
  }

  /** New entries: every node of that load order is to have them. */
  wakeAll({ cluster, kernelBuild }: LogName): void {
    for (const session of this.sessions.values()) {
      if (session.log.cluster === cluster && session.log.kernelBuild === kernelBuild) session.wake();
    }
  }
}
