// SPDX-License-Identifier: GPL-2.0-only
import type { Problem } from '@lockstep/contracts/generated';
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import { AheadSession } from './ahead-session';
import type { AgentHead } from './check-head';
import type { NodeSession } from './node-session';

/**
 * For so long a node whose stream ended may just be reconnecting: a hiccup of the network is no lost node. An agent that
 * finds us at its first tries is back within two seconds; one that has tried for long pauses up to 15 s, and counts as gone.
 */
export const returnGraceMs = 5_000;

/** For how long after its hello a machine with the same key counts as there. Agents try again within 15 s. */
const twinForMs = 60_000;
/** As many boots of one node are remembered. */
const mostDisplaced = 64;

const isSameLog = (a: LogName, b: LogName): boolean => a.cluster === b.cluster && a.kernelBuild === b.kernelBuild;

/** The nodes that are connected now. */
export class AgentSessions {
  private readonly sessions = new Map<NodeName, NodeSession>();
  private readonly leftAtMs = new Map<NodeName, number>();
  /** Boots whose living stream gave way to another boot's: no machine comes back to an earlier boot, but its twin does. */
  private readonly displaced = new Map<NodeName, Set<string>>();
  /** Of a node that is connected, the other machine that says it is it. */
  private readonly twins = new Map<NodeName, { readonly bootId: string; readonly seenAtMs: number }>();

  find(node: NodeName): NodeSession | undefined {
    return this.sessions.get(node);
  }

  /** Only a stream in that load order: the node may have come back in another kernel, or cluster. */
  findIn(log: LogName, node: NodeName): NodeSession | undefined {
    const session = this.sessions.get(node);
    return session !== undefined && isSameLog(session.log, log) ? session : undefined;
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

  /**
   * A boot says hello. Where a living stream is of another boot, that one gives way; unless it is the one that had
   * taken this very boot's place before: then two machines have one key. @returns whether they have.
   */
  noteHello(node: NodeName, bootId: string): boolean {
    const current = this.sessions.get(node);
    if (current === undefined || current.bootId === bootId) return false;
    const isTwin = this.displaced.get(node)?.has(bootId) === true;
    if (isTwin) this.twins.set(node, { bootId, seenAtMs: performance.now() });
    else this.noteDisplaced(current);
    return isTwin;
  }

  /** Why nothing that a node says can be believed: two machines say it. */
  twinProblem(node: NodeName): Problem | undefined {
    const twin = this.twins.get(node);
    const current = this.sessions.get(node);
    if (twin === undefined || current === undefined || performance.now() - twin.seenAtMs > twinForMs) return undefined;
    const message =
      `Two machines speak as node ${node}, in boots ${current.bootId} and ${twin.bootId}: one is a copy of the other. ` +
      "Empty the copy's state folder and let it join under a name of its own (lockstep node join).";
    return { reason: 'cloned', message };
  }

  private noteDisplaced({ node, bootId }: NodeSession): void {
    const boots = this.displaced.get(node) ?? new Set();
    this.displaced.set(node, boots.add(bootId));
    const [oldest] = boots;
    if (boots.size > mostDisplaced && oldest !== undefined) boots.delete(oldest);
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

  private of(log: LogName): NodeSession[] {
    return [...this.sessions.values()].filter((session) => isSameLog(session.log, log));
  }
}
