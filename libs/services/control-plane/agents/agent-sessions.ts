// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import { AheadSession } from './ahead-session';
import type { AgentHead } from './check-head';
import type { NodeSession } from './node-session';

/**
 * An agent whose stream broke is back within about two seconds, unless it is really gone. Plans wait for it that long,
 * so that a hiccup of the network does not count as a lost node.
 */
export const returnGraceMs = 5_000;

/** The nodes that are connected now. */
export class AgentSessions {
  private readonly sessions = new Map<NodeName, NodeSession>();
  private readonly leftAtMs = new Map<NodeName, number>();

  find(node: NodeName): NodeSession | undefined {
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
  enter(session: NodeSession): void {
    const before = this.sessions.get(session.node);
    this.sessions.set(session.node, session);
    this.leftAtMs.delete(session.node);
    before?.close(
      new LockstepError('unavailable', 'replaced', `Node ${session.node} has connected again.`, { node: session.node }),
    );
  }

  /** @returns whether the node is gone now. */
  leave(session: NodeSession, nowMs: number): boolean {
    if (this.sessions.get(session.node) !== session) return false;
    this.sessions.delete(session.node);
    this.leftAtMs.set(session.node, nowMs);
    return true;
  }

  /** The nodes that know entries of this load order that were lost here. */
  ahead(log: LogName): AheadSession[] {
    return this.of(log).filter((session) => session instanceof AheadSession);
  }

  /** What somebody has proved already up to this very head: by its hash it is the same, and need not be told again. */
  provenBeyond(log: LogName, { headSeq, headHash }: AgentHead): readonly LogEntry[] | undefined {
    for (const { entries } of this.ahead(log)) {
      const at = entries.findIndex(({ seq }) => seq === headSeq);
      if (at >= 0 && entries[at]?.hash === headHash)
        return at === entries.length - 1 ? entries : entries.slice(0, at + 1);
    }
    return undefined;
  }

  /** New entries: every node of that load order is to have them. */
  wakeAll(log: LogName): void {
    for (const session of this.of(log)) session.wake();
  }

  private of({ cluster, kernelBuild }: LogName): NodeSession[] {
    return [...this.sessions.values()].filter(({ log }) => log.cluster === cluster && log.kernelBuild === kernelBuild);
  }
}
