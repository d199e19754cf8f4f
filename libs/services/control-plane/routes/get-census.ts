// SPDX-License-Identifier: GPL-2.0-only
import type { GetCensusRequest, GetCensusResponse } from '@lockstep/contracts/generated';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { censusToWire } from '../views/census-view';
import type { SignedHead } from '@lockstep/domain/load-order';
import type { HeadTime } from '@lockstep/io/database';
import { clusterNamed, nodeVisibleTo, visibleTo } from './chosen-nodes';

type HeadTeller = 'heads' | 'logHeads';

/** Of each load order where nodes are told that it ends. */
async function signedHeads({ logHeads }: Uses<HeadTeller>, heads: readonly HeadTime[]): Promise<SignedHead[]> {
  const told = await Promise.all(heads.map((log) => logHeads.toldHeadOf(log)));
  return told.flatMap((one) => one?.head ?? []);
}

/** How many nodes are how, of those and in the clusters that the caller may look at. */
export async function getCensus(
  services: Uses<HeadTeller | 'db.clusters' | 'db.rollouts' | 'nodes' | 'sessions'>,
  request: GetCensusRequest,
  context: CallContext,
): Promise<GetCensusResponse> {
  const { db, nodes, sessions, heads } = services;
  const named = await clusterNamed(db, request.cluster);
  const all = named === undefined ? (await db.clusters.list()).map(({ name }) => name) : [named];
  const clusters = all.filter(visibleTo(context)).sort();
  const seen = heads.list().filter(({ cluster }) => clusters.includes(cluster));
  return {
    clusters: censusToWire({
      clusters,
      nodes: nodes.list(named).filter(nodeVisibleTo(context)),
      isConnected: ({ name }) => sessions.isConnected(name),
      heads: seen,
      signedHeads: await signedHeads(services, seen),
      nowMs: Date.now(),
      unconfirmed: await db.rollouts.unconfirmed(),
    }),
  };
}
