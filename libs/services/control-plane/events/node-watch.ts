// SPDX-License-Identifier: GPL-2.0-only
import { isHeadOverdue, nodeStatusFromWire } from '@lockstep/contracts/wire';
import {
  nodeEvents,
  toldConditionOf,
  type EventType,
  type FleetEvent,
  type NodeCondition,
  type ShownCondition,
} from '@lockstep/domain/fleet-events';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { AddedEvent, EventStore, NodeRecord } from '@lockstep/io/database';
import type { AgentSessions } from '../agents/agent-sessions';
import type { KnownNodes } from '../agents/known-nodes';
import type { Replica } from '../replicas/replica';
import type { EventLog } from './event-log';

interface Told {
  readonly seq: number;
  readonly type: EventType;
}

/** By its report; undefined while that says nothing of it: it is on its way. */
function conditionOf({ report }: NodeRecord): NodeCondition | undefined {
  const status = report === null ? undefined : nodeStatusFromWire(report.status);
  switch (status) {
    case 'in-step':
      return isHeadOverdue(report?.heardHead, Date.now()) ? 'withheld' : 'well';
    case 'failed':
    case 'quarantined':
      return status;
    case 'diverged':
    case 'forked':
    case 'ahead':
    case 'implausible':
      return 'diverged';
    case 'moving':
    case undefined:
      return undefined;
  }
}

const withheld =
  'It has heard for a day of no end of its load order that it takes: that may be withheld from it, or its clock is wrong.';

function shownOf(node: NodeRecord, condition: NodeCondition, problem?: string): ShownCondition {
  const { name, cluster, report } = node;
  const said = problem ?? (condition === 'withheld' ? withheld : report?.problem?.message) ?? condition;
  return { node: name, cluster, condition, problem: said, position: report?.position ?? 0 };
}

export interface NodeWatchParts {
  readonly nodes: Pick<KnownNodes, 'find'>;
  readonly sessions: Pick<AgentSessions, 'isConnected'>;
  readonly store: Pick<EventStore, 'lastOfNodes'>;
  readonly events: EventLog;
  readonly replica: Pick<Replica, 'fence'>;
}

/** Tells when a node is not well any more, and when it is again: once, also over a restart. */
export class NodeWatch {
  private told = new Map<string, Told>();
  /** Of what was tried last it is not known whether it was told. */
  private isDoubtful = false;

  constructor(private readonly parts: NodeWatchParts) {}

  async start(): Promise<void> {
    this.told = await this.parts.store.lastOfNodes();
    this.isDoubtful = false;
  }

  /** These have said something. */
  look(names: Iterable<NodeName>): Promise<void> {
    return this.tell(
      [...names].flatMap((name) => {
        const node = this.parts.nodes.find(name);
        // One of that name that comes later is found told already, and what was told of it read again.
        if (node === undefined) this.told.delete(name);
        const condition = node && conditionOf(node);
        return node === undefined || condition === undefined ? [] : [shownOf(node, condition)];
      }),
    );
  }

  /** A rollout sent these on their way, and they are gone since. */
  lose(names: readonly NodeName[]): Promise<void> {
    const problem = 'It was sent on its way by a rollout and is gone since: nobody knows what the patch did to it.';
    return this.tell(
      names.flatMap((name) => {
        const node = this.parts.nodes.find(name);
        // It may be back since that was planned, and have told so already.
        const isBack = this.parts.sessions.isConnected(name);
        return node === undefined || isBack ? [] : [shownOf(node, 'lost', problem)];
      }),
    );
  }

  private async tell(shown: readonly ShownCondition[]): Promise<void> {
    if (this.isDoubtful) await this.start();
    if (await this.tellOnce(shown)) return;
    // More was told than is known here.
    await this.start();
    await this.tellOnce(shown);
  }

  /** @returns whether all was new. */
  private async tellOnce(shown: readonly ShownCondition[]): Promise<boolean> {
    const events: FleetEvent[] = shown.flatMap((each) => {
      const last = this.told.get(each.node);
      return nodeEvents(each, toldConditionOf(last?.type), last?.seq ?? 0);
    });
    if (events.length === 0) return true;
    const added = new Map((await this.record(events)).map(({ key, seq }) => [key, seq]));
    for (const { key, subject, type } of events) {
      const seq = added.get(key);
      if (seq !== undefined) this.told.set(subject, { seq, type });
    }
    return added.size === events.length;
  }

  private async record(events: readonly FleetEvent[]): Promise<AddedEvent[]> {
    try {
      return await this.parts.events.record(events, this.parts.replica.fence());
    } catch (error) {
      // It may be written, and the answer be lost.
      this.isDoubtful = true;
      throw error;
    }
  }
}
