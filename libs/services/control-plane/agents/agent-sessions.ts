// SPDX-License-Identifier: GPL-2.0-only
import type { Problem } from '@lockstep/contracts/generated';
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import { AheadSession } from './ahead-session';
import type { AgentHead } from './check-head';
import { inTurns } from './in-turns';
import { keyOfLog } from './known-logs';
import type { NodeSession } from './node-session';
import { hungNoticedMs, lostAfterMs } from './return-time';

/** For how long after its hello a machine with the same key counts as there. Agents try again within 15 s. */
const twinForMs = 60_000;
/** As many boots of one node are remembered. */
const mostDisplaced = 64;

/** A stream that another control plane holds. */
export interface StreamElsewhere {
  readonly replica: string;
  readonly bootId: string;
}

/** The nodes that are connected now. */
export class AgentSessions {
  private readonly sessions = new Map<NodeName, NodeSession>();
  private readonly byLog = new Map<string, Set<NodeSession>>();
  /** Of those that went and may just be reconnecting: until when they are waited for. */
  private readonly returning = new Map<NodeName, number>();
  /** Nodes whose streams other control planes hold. */
  private readonly elsewhere = new Map<NodeName, StreamElsewhere>();
  /** Those that have connected since the start, here or elsewhere: their names. */
  private readonly come = new Set<NodeName>();
  /** Boots whose living stream gave way to another boot's: no machine comes back to an earlier boot, but its twin does. */
  private readonly displaced = new Map<NodeName, Set<string>>();
  /** Of a node that is connected, the other machine that says it is it. */
  private readonly twins = new Map<NodeName, { readonly bootId: string; readonly seenAtMs: number }>();

  /** @param graceMs a node that went alone is waited for so long */
  constructor(private readonly graceMs?: number) {}

  /** The streams here. */
  get size(): number {
    return this.sessions.size;
  }

  /** Here, and with other control planes. */
  get connectedCount(): number {
    return this.sessions.size + this.elsewhere.size;
  }

  find(node: NodeName): NodeSession | undefined {
    return this.sessions.get(node);
  }

  /** Only a stream in that load order: the node may have come back in another kernel, or cluster. */
  findIn(log: LogName, node: NodeName): NodeSession | undefined {
    const session = this.sessions.get(node);
    return session !== undefined && keyOfLog(session.log) === keyOfLog(log) ? session : undefined;
  }

  /** Here, or with another control plane. */
  isConnected(node: NodeName): boolean {
    return this.sessions.has(node) || this.elsewhere.has(node);
  }

  /** With another control plane, as far as is known. */
  isElsewhere(node: NodeName): boolean {
    return this.elsewhere.has(node);
  }

  /** Connected, or gone for so short a time that it may just be reconnecting. */
  countsAsConnected(node: NodeName, nowMs: number): boolean {
    return this.isConnected(node) || (this.returning.get(node) ?? -Infinity) > nowMs;
  }

  /** It has connected since the start: its absence says something. */
  hasCome(node: NodeName): boolean {
    return this.come.has(node);
  }

  /** The newest stream of a node is the one that counts: the one before is dead and does not know it yet. */
  enter(session: NodeSession): void {
    const before = this.sessions.get(session.node);
    this.sessions.set(session.node, session);
    this.come.add(session.node);
    if (before !== undefined) this.dropFromLog(before);
    const key = keyOfLog(session.log);
    this.byLog.set(key, (this.byLog.get(key) ?? new Set()).add(session));
    this.returning.delete(session.node);
    this.elsewhere.delete(session.node);
    before?.close(
      new LockstepError('unavailable', 'replaced', `Node ${session.node} has connected again.`, { node: session.node }),
    );
  }

  /** @returns for how many ms its return is waited for; undefined where another stream of the node lives. */
  leave(session: NodeSession, nowMs: number): number | undefined {
    if (this.sessions.get(session.node) !== session) return undefined;
    this.sessions.delete(session.node);
    this.dropFromLog(session);
    return this.elsewhere.has(session.node) ? undefined : this.expectBack(session.node, nowMs);
  }

  /** Another control plane has the node's newest stream: one that is here is dead. */
  enterElsewhere(node: NodeName, stream: StreamElsewhere): void {
    const here = this.sessions.get(node);
    if (here !== undefined && here.bootId !== stream.bootId) this.noteDisplaced(node, here.bootId);
    this.elsewhere.set(node, stream);
    this.come.add(node);
    this.returning.delete(node);
    const message = `Node ${node} has connected to another control plane.`;
    here?.close(new LockstepError('unavailable', 'replaced', message, { node }));
  }

  /** @returns as `leave`; undefined of one that was not there. */
  leaveElsewhere(node: NodeName, nowMs: number): number | undefined {
    return this.elsewhere.delete(node) ? this.expectBack(node, nowMs) : undefined;
  }

  /** That control plane is gone, or hangs, which its nodes notice later than if it had told them. @returns as `leave`. */
  loseReplica(replica: string, nowMs: number): number {
    const nodes = [...this.elsewhere].filter(([, stream]) => stream.replica === replica).map(([node]) => node);
    let waitMs = 0;
    for (const node of nodes) {
      this.elsewhere.delete(node);
      waitMs = this.expectBack(node, nowMs + hungNoticedMs) + hungNoticedMs;
    }
    return waitMs;
  }

  private expectBack(node: NodeName, nowMs: number): number {
    for (const [other, untilMs] of this.returning) {
      if (untilMs > nowMs) break;
      this.returning.delete(other);
    }
    const waitMs = lostAfterMs(this.returning.size + 1, this.graceMs);
    this.returning.set(node, nowMs + waitMs);
    return waitMs;
  }

  /**
   * A boot says hello. Where a living stream is of another boot, that one gives way; unless it is the one that had
   * taken this very boot's place before: then two machines have one key. @returns whether they have.
   */
  noteHello(node: NodeName, bootId: string): boolean {
    const current = this.livingStream(node);
    if (current === undefined || current.bootId === bootId) return false;
    const isTwin = this.displaced.get(node)?.has(bootId) === true;
    if (isTwin) this.twins.set(node, { bootId, seenAtMs: performance.now() });
    else this.noteDisplaced(node, current.bootId);
    return isTwin;
  }

  /** Why nothing that a node says can be believed: two machines say it. */
  twinProblem(node: NodeName): Problem | undefined {
    const twin = this.twins.get(node);
    const current = this.livingStream(node);
    if (twin === undefined || current === undefined) return undefined;
    if (performance.now() - twin.seenAtMs > twinForMs) {
      this.twins.delete(node);
      return undefined;
    }
    const message =
      `Two machines speak as node ${node}, in boots ${current.bootId} and ${twin.bootId}: one is a copy of the other. ` +
      "Empty the copy's state folder and let it join under a name of its own (lockstep node join).";
    return { reason: 'cloned', message };
  }

  private livingStream(node: NodeName): { readonly bootId: string } | undefined {
    return this.elsewhere.get(node) ?? this.sessions.get(node);
  }

  private noteDisplaced(node: NodeName, bootId: string): void {
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

  /** New entries: every node of that load order is to have them. @param overMs as `inTurns` */
  wakeAll(log: LogName, overMs?: number): Promise<void> {
    const wake = (session: NodeSession): void => {
      session.wake();
    };
    return inTurns(this.of(log), wake, overMs);
  }

  /** There is no such node any more. */
  forget(node: NodeName): void {
    this.displaced.delete(node);
    this.twins.delete(node);
    this.come.delete(node);
    this.returning.delete(node);
  }

  /** There is something new for all of them. */
  wakeEverybody(): void {
    for (const session of this.sessions.values()) session.wake();
  }

  private of(log: LogName): NodeSession[] {
    return [...(this.byLog.get(keyOfLog(log)) ?? [])];
  }

  private dropFromLog(session: NodeSession): void {
    const key = keyOfLog(session.log);
    const sessions = this.byLog.get(key);
    sessions?.delete(session);
    if (sessions?.size === 0) this.byLog.delete(key);
  }
}
