// SPDX-License-Identifier: GPL-2.0-only
import type { NodeStatus } from '@lockstep/contracts/generated';
import { effectiveLabels, matchesSelector, parseSelector } from '@lockstep/domain/labels';
import { parseKernelBuildId, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { NodeRecord, PageRange } from '@lockstep/io/database';
import type { KnownNodes } from '../agents/known-nodes';
import { isByName, nodesInOrder, type NodeOrder, type NodePlace } from '../agents/node-order';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { clusterNamed, nodeVisibleTo, type NodeChooser } from './chosen-nodes';

/** What listing nodes needs, and watching a list of them. */
export type NodeLister = NodeChooser | 'sessions' | 'revisions';

export interface NodeFilter {
  readonly cluster: string;
  readonly selector: string;
  readonly kernelBuildId?: string | undefined;
  readonly connected?: boolean | undefined;
  readonly status?: NodeStatus | undefined;
}

export const kernelBuildNamed = (id: string | undefined): KernelBuildId | undefined =>
  id === undefined || id === '' ? undefined : parseKernelBuildId(id);

/** Which nodes a filter lets through, of those that the caller may look at. @throws LockstepError as `chosenNodes`. */
export async function askedNodes(
  { db, sessions }: Uses<Exclude<NodeLister, 'revisions'>>,
  filter: NodeFilter,
  context: Pick<CallContext, 'caller'>,
): Promise<{ readonly isAsked: (node: NodeRecord) => boolean }> {
  const isVisible = nodeVisibleTo(context);
  const cluster = await clusterNamed(db, filter.cluster);
  const kernelBuild = kernelBuildNamed(filter.kernelBuildId);
  const selector = parseSelector(filter.selector);
  const isAsked = (node: NodeRecord): boolean =>
    (cluster === undefined || node.cluster === cluster) &&
    isVisible(node) &&
    (kernelBuild === undefined || node.kernelBuild === kernelBuild) &&
    (filter.status === undefined || node.report?.status === filter.status) &&
    matchesSelector(selector, effectiveLabels(node.labels)) &&
    (filter.connected === undefined || sessions.isConnected(node.name) === filter.connected);
  return { isAsked };
}

/** Names are kept sorted; any other order is made. */
export const pageOfNodes = (
  nodes: KnownNodes,
  order: NodeOrder,
  { after, limit }: PageRange<NodePlace>,
  isAsked: (node: NodeRecord) => boolean,
): NodeRecord[] =>
  isByName(order)
    ? nodes.page({ after: after?.[1], limit }, isAsked)
    : nodesInOrder(order, nodes.list().filter(isAsked), { after, limit });
