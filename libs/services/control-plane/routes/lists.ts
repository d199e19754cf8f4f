// SPDX-License-Identifier: GPL-2.0-only
import type {
  ListBuildsResponse,
  ListClustersRequest,
  ListClustersResponse,
  ListKernelsResponse,
  ListNodesRequest,
  ListNodesResponse,
  ListPatchesResponse,
  ListRolloutsRequest,
  ListRolloutsResponse,
  ListTokensRequest,
  ListTokensResponse,
} from '@lockstep/contracts/generated';
import { inCluster, may } from '@lockstep/domain/access';
import { effectiveLabels, matchesSelector, parseSelector } from '@lockstep/domain/labels';
import { parseClusterName, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { CallContext } from '../grpc/call-route';
import type { Stores, Uses } from '../services';
import { buildsToWire, kernelToWire, patchesToWire } from '../views/build-view';
import { clusterToWire } from '../views/cluster-view';
import { nodeToWire } from '../views/node-view';
import { tokenToWire } from '../views/token-view';
import { rolloutToWire } from '../views/rollout-view';

// What there is, as it is: each reads one store and translates.

/** @throws LockstepError `not-found` `unknown-cluster`. */
async function clusterNamed(db: Stores<'clusters'>, name: string): Promise<ClusterName | undefined> {
  return name === '' ? undefined : (await db.clusters.require(parseClusterName(name))).name;
}

/** Whether the caller may look at what is of this cluster: of a list it gets that. */
const visibleTo =
  ({ caller }: CallContext) =>
  (cluster: ClusterName): boolean =>
    may(caller.identity, 'look', inCluster(cluster));

export async function listClusters(
  { db }: Uses<'db.clusters'>,
  _: ListClustersRequest,
  context: CallContext,
): Promise<ListClustersResponse> {
  const isVisible = visibleTo(context);
  return { clusters: (await db.clusters.list()).filter(({ name }) => isVisible(name)).map(clusterToWire) };
}

export async function listNodes(
  { db, nodes, sessions }: Uses<'db.clusters' | 'nodes' | 'sessions'>,
  request: ListNodesRequest,
  context: CallContext,
): Promise<ListNodesResponse> {
  const isVisible = visibleTo(context);
  const selector = parseSelector(request.selector);
  const named = nodes.list(await clusterNamed(db, request.cluster));
  const chosen = named.filter(({ labels }) => matchesSelector(selector, effectiveLabels(labels)));
  const listed = chosen.filter(({ cluster }) => isVisible(cluster)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { nodes: listed.map((node) => nodeToWire(node, sessions.isConnected(node.name))) };
}

export async function listRollouts(
  { db, rollouts }: Uses<'db.clusters' | 'db.rollouts' | 'rollouts'>,
  request: ListRolloutsRequest,
  context: CallContext,
): Promise<ListRolloutsResponse> {
  const isVisible = visibleTo(context);
  const named = await db.rollouts.list(await clusterNamed(db, request.cluster));
  const stored = named.filter(({ cluster }) => isVisible(cluster));
  return { rollouts: stored.map((rollout) => rolloutToWire(rollouts.find(rollout.id) ?? rollout)) };
}

export async function listKernels({ db }: Uses<'db.kernelBuilds' | 'db.kernelCopies'>): Promise<ListKernelsResponse> {
  const copies = await db.kernelCopies.list();
  const kernels = await db.kernelBuilds.list();
  return { kernelBuilds: kernels.map((kernel) => kernelToWire(kernel, copies.get(kernel.id))) };
}

export async function listPatches({ db }: Uses<'db.patches'>): Promise<ListPatchesResponse> {
  return { patches: await patchesToWire(db, await db.patches.list()) };
}

export async function listBuilds({ db }: Uses<'db.builds' | 'db.patches'>): Promise<ListBuildsResponse> {
  return { builds: await buildsToWire(db, await db.builds.list()) };
}

export function listTokens({ tokens }: Uses<'tokens'>, { all }: ListTokensRequest): ListTokensResponse {
  return { tokens: tokens.list(all).map(tokenToWire) };
}
