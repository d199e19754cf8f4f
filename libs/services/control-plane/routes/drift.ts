// SPDX-License-Identifier: GPL-2.0-only
import type {
  ListDriftRequest,
  ListDriftResponse,
  RepairNodeRequest,
  RepairNodeResponse,
} from '@lockstep/contracts/generated';
import { explainDrift } from '@lockstep/domain/drift';
import { LockstepError, parseNodeName, type ClusterName, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import type { NodeRecord } from '@lockstep/io/database';
import { keyOfLog } from '../agents/known-logs';
import { driftedNodes, type DriftedNode } from '../drift/gather-drift';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { chosenNodes, type NodeChooser } from './chosen-nodes';

async function drifted({ logs }: Uses<'logs'>, nodes: readonly NodeRecord[]): Promise<DriftedNode[]> {
  const entries = new Map<string, readonly LogEntry[]>();
  for (const { cluster, kernelBuild } of nodes) {
    if (kernelBuild === null) continue;
    const log: LogName = { cluster: cluster satisfies ClusterName, kernelBuild: kernelBuild satisfies KernelBuildId };
    if (!entries.has(keyOfLog(log))) entries.set(keyOfLog(log), await logs.entries(log));
  }
  return driftedNodes(nodes, (log) => entries.get(keyOfLog(log)) ?? []);
}

/** Of the nodes that the caller may look at, those that have left their position. */
export async function listDrift(
  services: Uses<NodeChooser | 'logs' | 'sessions'>,
  { cluster }: ListDriftRequest,
  context: CallContext,
): Promise<ListDriftResponse> {
  const nodes = await chosenNodes(services, { cluster, selector: '' }, context);
  return {
    nodes: (await drifted(services, nodes)).map(({ node, drift }) => ({
      node: node.name,
      cluster: node.cluster,
      position: node.report?.position ?? 0,
      connected: services.sessions.isConnected(node.name),
      ...{ foreign: [...drift.foreign], missing: [...drift.missing], surplus: [...drift.surplus] },
      outOfOrder: drift.isOutOfOrder,
      message: explainDrift(node.name, drift),
      lastSeenAt: node.lastSeenAt ?? undefined,
    })),
  };
}

/**
 * Keeps an operator's word for a node that is connected: it names what the node has shown, so that nothing else is unloaded.
 * What is missing a node loads by itself.
 * @throws LockstepError `refused` `not-drifted`, `nothing-foreign`; `unavailable` `node-away`.
 */
export async function repairNode(
  services: Uses<'nodes' | 'logs' | 'sessions' | 'orders'>,
  { name }: RepairNodeRequest,
): Promise<RepairNodeResponse> {
  const record = services.nodes.require(parseNodeName(name));
  const [found] = await drifted(services, [record]);
  if (found === undefined) {
    const message = `Node ${name} holds the stack of its position, or is on its way: there is nothing to repair.`;
    throw new LockstepError('refused', 'not-drifted', message, { node: name });
  }
  const { foreign } = found.drift;
  if (foreign.length === 0) {
    const message = `${explainDrift(name, found.drift)} ${record.report?.problem?.message ?? ''}`.trim();
    throw new LockstepError('refused', 'nothing-foreign', message, { node: name });
  }
  const { sessions, orders } = services;
  if (!sessions.isConnected(record.name)) {
    const message = `Node ${name} is not connected: repair it when it is.`;
    throw new LockstepError('unavailable', 'node-away', message, { node: name });
  }
  await orders.give({ kind: 'repair', node: record.name, modules: foreign });
  return { modules: [...foreign] };
}
