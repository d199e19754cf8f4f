// SPDX-License-Identifier: GPL-2.0-only
import type {
  ListBuildsResponse,
  ListClustersResponse,
  ListKernelsResponse,
  ListNodesRequest,
  ListNodesResponse,
  ListPatchesResponse,
  ListRolloutsRequest,
  ListRolloutsResponse,
} from '@lockstep/contracts/generated';
import { effectiveLabels, matchesSelector, parseSelector } from '@lockstep/domain/labels';
import { parseClusterName, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { Stores, Uses } from '../services';
import { buildsToWire, kernelToWire, patchesToWire } from '../views/build-view';
import { clusterToWire } from '../views/cluster-view';
import { nodeToWire } from '../views/node-view';
import { rolloutToWire } from '../views/rollout-view';

// What there is, as it is: each reads one store and translates.

/** @throws LockstepError `not-found` `unknown-cluster`. */
async function clusterNamed(db: Stores<'clusters'>, name: string): Promise<ClusterName | undefined> {
  return name === '' ? undefined : (await db.clusters.require(parseClusterName(name))).name;
}

export async function listClusters({ db }: Uses<'db.clusters'>): Promise<ListClustersResponse> {
  return { clusters: (await db.clusters.list()).map(clusterToWire) };
}

export async function listNodes(
  { db, nodes, sessions }: Uses<'db.clusters' | 'nodes' | 'sessions'>,
  request: ListNodesRequest,
): Promise<ListNodesResponse> {
  const selector = parseSelector(request.selector);
  const listed = nodes
    .list(await clusterNamed(db, request.cluster))
    .filter(({ labels }) => matchesSelector(selector, effectiveLabels(labels)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { nodes: listed.map((node) => nodeToWire(node, sessions.isConnected(node.name))) };
}

export async function listRollouts(
  { db, rollouts }: Uses<'db.clusters' | 'db.rollouts' | 'rollouts'>,
  request: ListRolloutsRequest,
): Promise<ListRolloutsResponse> {
  const stored = await db.rollouts.list(await clusterNamed(db, request.cluster));
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
