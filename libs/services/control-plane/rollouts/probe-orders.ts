// SPDX-License-Identifier: GPL-2.0-only
import type { ProbeOrder } from '@lockstep/contracts/generated';
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import { showProbe } from '@lockstep/domain/probes';
import { nodesToProbe } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import type { AgentSessions } from '../agents/agent-sessions';

export const nothingToProbe: ProbeOrder = { probes: [], everyMs: 0, timeoutMs: 0 };

/** What each node is to probe now: of several rollouts the newest one's word counts. */
export function probeOrders(rollouts: readonly RolloutRecord[]): Map<NodeName, ProbeOrder> {
  const orders = new Map<NodeName, ProbeOrder>();
  for (const { plan, policy } of rollouts) {
    const { probes, everyMs, timeoutMs } = policy.probing;
    const order = { probes: probes.map(showProbe), everyMs, timeoutMs };
    for (const node of nodesToProbe(plan, policy)) orders.set(node, order);
  }
  return orders;
}

/** Tells the nodes that are connected here what to probe. A session is told no order twice, nor an end of none. */
export class ProbeDispatch {
  /** Of each cluster, who was ordered something. */
  private readonly ordered = new Map<ClusterName, ReadonlySet<NodeName>>();

  constructor(private readonly sessions: Pick<AgentSessions, 'find'>) {}

  tell(cluster: ClusterName, rollouts: readonly RolloutRecord[]): void {
    const orders = probeOrders(rollouts);
    for (const node of this.ordered.get(cluster) ?? []) {
      if (!orders.has(node)) this.sessions.find(node)?.probe(nothingToProbe);
    }
    for (const [node, order] of orders) this.sessions.find(node)?.probe(order);
    if (orders.size === 0) this.ordered.delete(cluster);
    else this.ordered.set(cluster, new Set(orders.keys()));
  }
}
