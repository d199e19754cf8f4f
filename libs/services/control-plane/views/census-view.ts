// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus, type ClusterCensus, type OrderCensus } from '@lockstep/contracts/generated';
import { isHeadOverdue } from '@lockstep/contracts/wire';
import type { ClusterName } from '@lockstep/domain/livepatch-model';
import type { SignedHead } from '@lockstep/domain/load-order';
import type { HeadTime, NodeRecord, UnconfirmedRecord } from '@lockstep/io/database';

class Count<Key> {
  private readonly counts = new Map<Key, number>();

  add(key: Key): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  entries(): (readonly [Key, number])[] {
    return [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** The nodes of a cluster that run one kernel build. */
class OrderCount {
  private readonly positions = new Count<number>();
  private nodes = 0;
  private atHead = 0;

  constructor(
    private readonly kernelBuildId: string,
    private readonly kernelRelease: string,
    private readonly head: HeadTime | undefined,
    private readonly signedHead: SignedHead | undefined,
  ) {}

  add({ report }: NodeRecord): void {
    this.nodes += 1;
    if (report === null) return;
    this.positions.add(report.position);
    if (report.status === NodeStatus.NODE_STATUS_IN_STEP && report.position === (this.head?.seq ?? 0)) this.atHead += 1;
  }

  toWire(): OrderCensus {
    const { kernelBuildId, kernelRelease, head, signedHead, nodes, atHead } = this;
    const positions = this.positions.entries().map(([position, count]) => ({ position, nodes: count }));
    return {
      kernelBuildId,
      kernelRelease,
      nodes,
      atHead,
      headSeq: head?.seq ?? 0,
      headAt: head?.appendedAt,
      positions,
      headSignedAt: signedHead && new Date(signedHead.issuedAtMs),
      headExpiresAt: signedHead && new Date(signedHead.expiresAtMs),
    };
  }
}

class ClusterCount {
  private readonly statuses = new Count<NodeStatus>();
  private readonly versions = new Count<string>();
  private readonly orders = new Map<string, OrderCount>();
  private nodes = 0;
  private connected = 0;
  private headOverdue = 0;

  constructor(
    private readonly cluster: ClusterName,
    private readonly heads: readonly HeadTime[],
    private readonly signedHeads: readonly SignedHead[],
    private readonly unconfirmed: readonly UnconfirmedRecord[],
  ) {}

  add(node: NodeRecord, isConnected: boolean, nowMs: number): void {
    this.nodes += 1;
    if (isConnected) this.connected += 1;
    if (isConnected && isHeadOverdue(node.report?.heardHead, nowMs)) this.headOverdue += 1;
    this.statuses.add(node.report?.status ?? NodeStatus.NODE_STATUS_UNSPECIFIED);
    // One that has enrolled and never come has told neither.
    if (node.kernelBuild === null) return;
    this.versions.add(node.agentVersion);
    this.orderOf(node.kernelBuild, node.kernelRelease).add(node);
  }

  private orderOf(kernelBuild: string, release: string): OrderCount {
    const known = this.orders.get(kernelBuild);
    if (known !== undefined) return known;
    const head = this.heads.find((one) => one.kernelBuild === kernelBuild);
    const signed = this.signedHeads.find((one) => one.kernelBuild === kernelBuild);
    const added = new OrderCount(kernelBuild, release, head, signed);
    this.orders.set(kernelBuild, added);
    return added;
  }

  toWire(): ClusterCensus {
    // A load order that no node follows has a head too.
    for (const { kernelBuild } of this.heads) this.orderOf(kernelBuild, '');
    const { cluster, nodes, connected, headOverdue } = this;
    return {
      ...{ cluster, nodes, connected, headOverdue },
      statuses: this.statuses.entries().map(([status, count]) => ({ status, nodes: count })),
      agentVersions: this.versions.entries().map(([version, count]) => ({ version, nodes: count })),
      orders: [...this.orders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, order]) => order.toWire()),
      unconfirmed: this.unconfirmed.map(({ id, by, reason, startedAt }) => ({ id, by, reason, startedAt })),
    };
  }
}

export interface CensusParts {
  /** In the order in which they are told. */
  readonly clusters: readonly ClusterName[];
  readonly nodes: Iterable<NodeRecord>;
  readonly isConnected: (node: NodeRecord) => boolean;
  readonly heads: readonly HeadTime[];
  /** Where nodes are told that load orders end; none of one that cannot be signed now. */
  readonly signedHeads: readonly SignedHead[];
  readonly nowMs: number;
  /** Emergencies that nobody else has confirmed. */
  readonly unconfirmed: readonly UnconfirmedRecord[];
}

/** How many nodes are how, cluster by cluster: one look at each node, and an answer that does not grow with them. */
export function censusToWire(parts: CensusParts): ClusterCensus[] {
  const { clusters, nodes, isConnected, heads, signedHeads, nowMs, unconfirmed } = parts;
  const counts = new Map(
    clusters.map((name) => [
      name,
      new ClusterCount(
        name,
        heads.filter(({ cluster }) => cluster === name),
        signedHeads.filter(({ cluster }) => cluster === name),
        unconfirmed.filter(({ cluster }) => cluster === name),
      ),
    ]),
  );
  for (const node of nodes) counts.get(node.cluster)?.add(node, isConnected(node), nowMs);
  return [...counts.values()].map((count) => count.toWire());
}
