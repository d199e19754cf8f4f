// SPDX-License-Identifier: GPL-2.0-only
import {
  Build,
  Cluster,
  KernelBuild,
  Node,
  Patch,
  Rollout,
  type ListBuildsRequest,
  type ListBuildsResponse,
  type ListClustersRequest,
  type ListClustersResponse,
  type ListKernelsRequest,
  type ListKernelsResponse,
  type ListNodesRequest,
  type ListNodesResponse,
  type ListPatchesRequest,
  type ListPatchesResponse,
  type ListRolloutsRequest,
  type ListRolloutsResponse,
  type ListTokensRequest,
  type ListTokensResponse,
} from '@lockstep/contracts/generated';
import { masked } from '@lockstep/contracts/wire';
import { inCluster, may, nodesIn, sharedIn, type Resource } from '@lockstep/domain/access';
import { parseCveId, stateOf } from '@lockstep/domain/cve-exposure';
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import type {
  BuildRecord,
  ClusterRecord,
  KernelBuildRecord,
  NodeRecord,
  PatchRecord,
  RolloutFilter,
} from '@lockstep/io/database';
import { gatherExposure, type ExposureGatherer } from '../exposure/gather-exposure';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { buildStatusFromWire, buildsToWire, kernelToWire, patchesToWire } from '../views/build-view';
import { clusterToWire } from '../views/cluster-view';
import { nodeToWire } from '../views/node-view';
import { tokenToWire } from '../views/token-view';
import { rolloutStatusFromWire, rolloutSummaryToWire } from '../views/rollout-view';
import { parseNodeOrder, placeKey } from '../agents/node-order';
import { askedNodes, kernelBuildNamed, pageOfNodes, type NodeLister } from './asked-nodes';
import { clusterNamed, visibleTo, type NodeChooser } from './chosen-nodes';
import { nameKey, numberKey, onePage, rowKey } from './page';

// What there is, as it is, page by page: each reads one store and translates.

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

export async function listClusters(
  { db }: Uses<'db.clusters'>,
  request: ListClustersRequest,
  context: CallContext,
): Promise<ListClustersResponse> {
  const isVisible = visibleTo(context);
  // There are few.
  const visible = (await db.clusters.list()).filter(({ name }) => isVisible(name)).sort(byName);
  const page = await onePage(request, nameKey<ClusterRecord>(), ({ after, limit }) =>
    visible.filter(({ name }) => after === undefined || name > after).slice(0, limit),
  );
  return {
    clusters: masked(Cluster, page.items.map(clusterToWire), request.readMask),
    nextPageToken: page.nextPageToken,
  };
}

/** Those whose kernels do not show a fix of the CVE, whole and in effect; undefined: no CVE was named. */
async function unpatched(
  services: Uses<ExposureGatherer | 'nodes'>,
  cve: string | undefined,
  cluster: ClusterName | undefined,
): Promise<ReadonlySet<NodeName> | undefined> {
  if (cve === undefined || cve === '') return undefined;
  const judged = await gatherExposure(services, [parseCveId(cve)], services.nodes.list(cluster));
  const verdicts = judged.flatMap((each) => each.verdicts);
  return new Set(verdicts.filter(({ exposure }) => stateOf(exposure) !== 'patched').map(({ node }) => node.name));
}

export async function listNodes(
  services: Uses<NodeLister | ExposureGatherer>,
  request: ListNodesRequest,
  context: CallContext,
): Promise<ListNodesResponse> {
  const { db, nodes, sessions, revisions } = services;
  const cluster = await clusterNamed(db, request.cluster);
  const without = await unpatched(services, request.withoutCve, cluster);
  const asked = await askedNodes(services, request, context);
  const isAsked = (node: NodeRecord): boolean =>
    asked.isAsked(node) && (without === undefined || without.has(node.name));
  const order = parseNodeOrder(request.orderBy);
  const revision = revisions.current;
  const page = await onePage(request, placeKey(order), (range) => pageOfNodes(nodes, order, range, isAsked));
  const listed = page.items.map((node) => nodeToWire(node, sessions.isConnected(node.name)));
  return { nodes: masked(Node, listed, request.readMask), nextPageToken: page.nextPageToken, revision };
}

/** The clusters of which the caller may look at every rollout; and of others the load orders of which it has every node. */
async function visibleRollouts(
  { db, nodes }: Uses<NodeChooser>,
  name: string,
  { caller }: CallContext,
): Promise<Pick<RolloutFilter, 'clusters' | 'orders'>> {
  const named = await clusterNamed(db, name);
  const all = named === undefined ? (await db.clusters.list()).map((cluster) => cluster.name) : [named];
  const mayLook = (resource: Resource): boolean => may(caller.identity, 'look', resource);
  const whole = all.filter((cluster) => mayLook(inCluster(cluster)));
  if (named === undefined && whole.length === all.length) return {};
  const parts = all.filter((cluster) => !whole.includes(cluster) && mayLook(sharedIn(cluster)));
  const orders = parts.flatMap((cluster) => {
    const own = nodes.list(cluster);
    const kernelBuilds = new Set(own.flatMap(({ kernelBuild }) => kernelBuild ?? []));
    return [...kernelBuilds]
      .filter((build) =>
        mayLook(
          nodesIn(
            cluster,
            own.filter(({ kernelBuild }) => kernelBuild === build),
          ),
        ),
      )
      .map((kernelBuild) => ({ cluster, kernelBuild }));
  });
  return { clusters: whole, orders };
}

/** One that is worked on is told in the newest words. */
export async function listRollouts(
  services: Uses<NodeChooser | 'db.rollouts' | 'rollouts'>,
  request: ListRolloutsRequest,
  context: CallContext,
): Promise<ListRolloutsResponse> {
  const { db, rollouts } = services;
  const only = {
    ...(await visibleRollouts(services, request.cluster, context)),
    kernelBuild: kernelBuildNamed(request.kernelBuildId),
    status: rolloutStatusFromWire(request.status),
  };
  const page = await onePage(request, numberKey(), (range) => db.rollouts.page(range, only));
  const listed = page.items.map((rollout) => rolloutSummaryToWire(rollout, rollouts.find(rollout.id)?.plan));
  return { rollouts: masked(Rollout, listed, request.readMask), nextPageToken: page.nextPageToken };
}

export async function listKernels(
  { db }: Uses<'db.kernelBuilds' | 'db.kernelCopies'>,
  request: ListKernelsRequest,
): Promise<ListKernelsResponse> {
  const key = rowKey<KernelBuildRecord>(({ addedAt: at, id }) => ({ at, id }));
  const page = await onePage(request, key, (range) => db.kernelBuilds.page(range));
  const copies = await db.kernelCopies.list();
  const kernelBuilds = page.items.map((kernel) => kernelToWire(kernel, copies.get(kernel.id)));
  return { kernelBuilds: masked(KernelBuild, kernelBuilds, request.readMask), nextPageToken: page.nextPageToken };
}

export async function listPatches(
  { db }: Uses<'db.patches'>,
  request: ListPatchesRequest,
): Promise<ListPatchesResponse> {
  const cve = request.cve === undefined || request.cve === '' ? undefined : parseCveId(request.cve);
  const key = rowKey<PatchRecord>(({ submittedAt: at, id }) => ({ at, id }));
  const page = await onePage(request, key, (range) => db.patches.page(range, cve));
  const patches = await patchesToWire(db, page.items);
  return { patches: masked(Patch, patches, request.readMask), nextPageToken: page.nextPageToken };
}

export async function listBuilds(
  { db }: Uses<'db.builds' | 'db.patches'>,
  request: ListBuildsRequest,
): Promise<ListBuildsResponse> {
  const only = {
    patch:
      request.patch === undefined || request.patch === '' ? undefined : (await db.patches.require(request.patch)).id,
    kernelBuild: kernelBuildNamed(request.kernelBuildId),
    status: buildStatusFromWire(request.status),
  };
  const key = rowKey<BuildRecord>(({ queuedAt: at, id }) => ({ at, id }));
  const page = await onePage(request, key, (range) => db.builds.page(range, only));
  const builds = await buildsToWire(db, page.items);
  return { builds: masked(Build, builds, request.readMask), nextPageToken: page.nextPageToken };
}

export function listTokens({ tokens }: Uses<'tokens'>, request: ListTokensRequest): ListTokensResponse {
  return { tokens: tokens.list(request).map(tokenToWire) };
}
