// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord, ReplicaStore } from '@lockstep/io/database';
import type { Logger } from 'pino';
import type { KnownAuthorities } from '../access/known-authorities';
import type { KnownTokens } from '../access/known-tokens';
import type { AgentSessions } from '../agents/agent-sessions';
import { cutOff } from '../agents/cut-off';
import type { KnownLogs } from '../agents/known-logs';
import type { KnownNodes } from '../agents/known-nodes';
import type { NodeOrders } from '../agents/node-orders';
import { certificateRevoked, certificateSuperseded } from '../agents/peer-identity';
import type { ChangeNotifier } from '../change-notifier';
import type { EventDeriver } from '../events/event-deriver';
import type { WebhookSender } from '../events/webhook-sender';
import type { OpenCalls } from '../grpc/open-calls';
import { Reconciler } from '../reconciler';
import type { RolloutExecutor } from '../rollouts/rollout-executor';
import type { LivingReplica } from './living-replica';
import { isPlainTopic, type News } from './news';

/** What was announced and not heard is found by then. */
const sweepEveryMs = 1_000;
const sweepAllEveryMs = 15_000;

export interface FollowOthersParts {
  readonly store: Pick<ReplicaStore, 'nodeChanges' | 'labelRevisions'>;
  readonly replica: LivingReplica;
  readonly tokens: Pick<KnownTokens, 'readAgain'>;
  readonly authorities: Pick<KnownAuthorities, 'readAgain'>;
  readonly nodes: KnownNodes;
  readonly sessions: AgentSessions;
  readonly orders: Pick<NodeOrders, 'readAgain'>;
  readonly calls: Pick<OpenCalls, 'endOf'>;
  readonly changes: ChangeNotifier;
  readonly deriver: Pick<EventDeriver, 'noticeNode' | 'takeOver'>;
  readonly webhooks: Pick<WebhookSender, 'request'>;
  readonly logs: KnownLogs;
  readonly rollouts: RolloutExecutor;
  readonly log: Logger;
}

/** Not one whose key is known from its first renewal on: that begins no epoch. Who was removed first begins at 0 again. */
const hasEnrolledAgain = (before: NodeRecord, now: NodeRecord): boolean =>
  before.certificateFingerprint !== now.certificateFingerprint && before.sessionEpoch !== now.sessionEpoch;

/** Takes in what other control planes of the database do: as they announce it, and once more by looking. */
export class FollowOthers {
  private horizon = 0n;
  private timers: NodeJS.Timeout[] = [];
  private readonly reconciler = new Reconciler((what) => (what === 'nodes' ? this.sweepNodes() : this.sweepAll()));

  constructor(private readonly parts: FollowOthersParts) {}

  /** Before the nodes are read: what is written from here on is seen. */
  async note(): Promise<void> {
    const { store, replica } = this.parts;
    this.horizon = (await store.nodeChanges(null, replica.id)).horizon;
  }

  async start(): Promise<void> {
    const { replica, nodes, sessions, changes, rollouts } = this.parts;
    changes.listen((topic, doer) => {
      if (doer === 'here' && isPlainTopic(topic)) replica.announce({ kind: 'changed', topic });
    });
    await replica.start({
      onNews: (news) => {
        this.hear(news);
      },
      onGap: () => {
        this.look('all');
      },
      // Its nodes' rows may be older than its first sign of life.
      onFound: (other) => {
        for (const { name, replica: holder, bootId } of nodes.list()) {
          if (holder === other) sessions.enterElsewhere(name, { replica: other, bootId });
        }
      },
      onLost: (other) => {
        this.parts.log.warn({ replica: other }, 'another control plane is gone');
        const waitMs = sessions.loseReplica(other, performance.now());
        for (const cluster of new Set(nodes.list().map((node) => node.cluster))) {
          rollouts.noticeDeparture(cluster, waitMs);
        }
      },
      onLeading: () => {
        this.lead();
      },
    });
    this.timers = [
      setInterval(() => {
        this.look('nodes');
      }, sweepEveryMs),
      setInterval(() => {
        this.look('all');
      }, sweepAllEveryMs),
    ];
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.reconciler.stop();
    await this.parts.replica.stop();
  }

  /** What the one before had not done yet is done now. */
  private lead(): void {
    const { nodes, sessions, rollouts, deriver, webhooks } = this.parts;
    rollouts.takeOver();
    const connected = nodes.list().filter(({ name }) => sessions.isConnected(name));
    deriver.takeOver(connected.map(({ name }) => name));
    webhooks.request();
  }

  private look(what: 'nodes' | 'all'): void {
    this.reconciler.request(what).catch((err: unknown) => {
      this.parts.log.warn({ err }, 'cannot look now at what other control planes do');
    });
  }

  private hear(news: News): void {
    const { tokens, sessions, changes, logs, rollouts, log } = this.parts;
    switch (news.kind) {
      case 'log':
        logs.noteGrowth(news);
        sessions.wakeAll(news).catch((err: unknown) => {
          log.error({ err }, 'could not tell nodes of an entry');
        });
        return;
      case 'rollouts':
        rollouts.readAgain(news.cluster);
        return;
      case 'schedules':
        rollouts.noticeSchedule();
        return;
      case 'reports':
        this.look('nodes');
        return;
      case 'node':
        this.refresh(news.node).catch(() => {
          this.look('all');
        });
        return;
      case 'authorities':
        this.parts.authorities.readAgain().catch(() => {
          this.look('all');
        });
        return;
      case 'tokens':
        tokens.readAgain().catch(() => undefined);
        return;
      case 'changed':
        changes.notify(news.topic, 'elsewhere');
        return;
      case 'node-orders':
        this.parts.orders.readAgain().catch(() => {
          this.look('nodes');
        });
        return;
    }
  }

  /** Removed, revoked, or another machine's by now: what is under way for the one before ends here too. */
  private async refresh(name: NodeName): Promise<void> {
    const { nodes, calls, rollouts } = this.parts;
    const before = nodes.find(name);
    await nodes.refresh(name);
    const node = nodes.find(name);
    if (node === undefined) cutOff(this.parts, name);
    else if (node.revokedAt !== null) calls.endOf(name, certificateRevoked(name));
    else if (before !== undefined && hasEnrolledAgain(before, node)) calls.endOf(name, certificateSuperseded(name));
    if (node !== undefined) this.followHolder(node);
    else if (before !== undefined) rollouts.wake(before.cluster);
  }

  private async sweepNodes(): Promise<void> {
    const { store, replica, nodes, orders, calls, deriver } = this.parts;
    await orders.readAgain();
    let { horizon } = this;
    const others: NodeName[] = [];
    const news = await nodes.takeIn(async () => {
      const changes = await store.nodeChanges(this.horizon, replica.id);
      horizon = changes.horizon;
      for (const { name, certificateFingerprint } of changes.nodes) {
        const known = nodes.find(name);
        if (known !== undefined && known.certificateFingerprint !== certificateFingerprint) others.push(name);
      }
      return changes.nodes;
    });
    for (const name of others) {
      await this.refresh(name);
      deriver.noticeNode(name);
    }
    this.horizon = horizon;
    for (const node of news) {
      if (node.revokedAt !== null) calls.endOf(node.name, certificateRevoked(node.name));
      deriver.noticeNode(node.name);
      this.followHolder(node);
    }
  }

  /** Where its stream is, by what is known of it now: its newest stream counts, whichever row came last. */
  private followHolder({ name, cluster, replica: holder, bootId }: NodeRecord): void {
    const { replica, sessions, rollouts } = this.parts;
    if (holder !== null && replica.isAlive(holder)) {
      sessions.enterElsewhere(name, { replica: holder, bootId });
      rollouts.wake(cluster);
      return;
    }
    const waitMs = sessions.leaveElsewhere(name, performance.now());
    if (waitMs === undefined) rollouts.wake(cluster);
    else rollouts.noticeDeparture(cluster, waitMs);
  }

  /** A stream here that ended late, or a removal that failed, may have made us forget where a node is, or that it went. */
  private findElsewhere(): void {
    const { nodes, sessions, replica } = this.parts;
    for (const node of nodes.list()) {
      const isElsewhere = node.replica !== null && replica.isAlive(node.replica);
      if (isElsewhere !== sessions.isElsewhere(node.name)) this.followHolder(node);
    }
  }

  private async sweepAll(): Promise<void> {
    const { store, nodes, sessions, changes, logs, rollouts } = this.parts;
    // One look at a time: of two the one that began first may end last.
    await this.reconciler.request('nodes');
    this.findElsewhere();
    await this.parts.tokens.readAgain();
    await this.parts.authorities.readAgain();
    const revisions = await store.labelRevisions();
    for (const { name, labelsRevision } of nodes.list()) {
      const revision = revisions.get(name);
      if (revision !== undefined && revision <= labelsRevision) continue;
      await this.refresh(name);
    }
    for (const log of logs.names()) {
      logs.noteGrowth(log);
      await sessions.wakeAll(log);
    }
    for (const cluster of new Set(nodes.list().map((node) => node.cluster))) rollouts.readAgain(cluster);
    changes.notify('events', 'elsewhere');
  }
}
