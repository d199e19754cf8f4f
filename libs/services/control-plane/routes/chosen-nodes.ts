// SPDX-License-Identifier: GPL-2.0-only
import { inCluster, may, nodesIn, sharedIn, theNode, type ScopedNode } from '@lockstep/domain/access';
import { effectiveLabels, matchesSelector, parseSelector } from '@lockstep/domain/labels';
import { parseClusterName, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import type { NodeRecord } from '@lockstep/io/database';
import type { CallContext } from '../grpc/call-route';
import type { Stores, Uses } from '../services';

/** What choosing nodes needs. */
export type NodeChooser = 'db.clusters' | 'nodes';

/** What a request says of the nodes it means; empty texts: all. */
export interface NodeChoice {
  readonly cluster: string;
  readonly selector: string;
}

/** Undefined for an empty name: every cluster. @throws LockstepError `not-found` `unknown-cluster`. */
export async function clusterNamed(db: Stores<'clusters'>, name: string): Promise<ClusterName | undefined> {
  return name === '' ? undefined : (await db.clusters.require(parseClusterName(name))).name;
}

/** Whether the caller may look at this cluster, and what its nodes go by: of a list it gets that. */
export const visibleTo =
  ({ caller }: Pick<CallContext, 'caller'>) =>
  (cluster: ClusterName): boolean =>
    may(caller.identity, 'look', sharedIn(cluster));

/** Whether the caller may look at this node. */
export const nodeVisibleTo =
  ({ caller }: Pick<CallContext, 'caller'>) =>
  (node: ScopedNode): boolean =>
    may(caller.identity, 'look', theNode(node));

/** Whether the caller may look at every node that follows this load order: then at what moves them, too. */
export const orderVisibleTo =
  ({ nodes }: Uses<'nodes'>, { caller }: Pick<CallContext, 'caller'>) =>
  ({ cluster, kernelBuild }: LogName): boolean => {
    if (may(caller.identity, 'look', inCluster(cluster))) return true;
    const followers = nodes.list(cluster).filter((node) => node.kernelBuild === kernelBuild);
    return followers.length > 0 && may(caller.identity, 'look', nodesIn(cluster, followers));
  };

/** Those that the caller may look at, by name. @throws LockstepError `not-found` `unknown-cluster`; `invalid-input` for the selector. */
export async function chosenNodes(
  { db, nodes }: Uses<NodeChooser>,
  choice: NodeChoice,
  context: Pick<CallContext, 'caller'>,
): Promise<NodeRecord[]> {
  const selector = parseSelector(choice.selector);
  return nodes
    .list(await clusterNamed(db, choice.cluster))
    .filter(nodeVisibleTo(context))
    .filter(({ labels }) => matchesSelector(selector, effectiveLabels(labels)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
