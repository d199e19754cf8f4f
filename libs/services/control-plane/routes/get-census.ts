// SPDX-License-Identifier: GPL-2.0-only
import type { GetCensusRequest, GetCensusResponse } from '@lockstep/contracts/generated';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { censusToWire } from '../views/census-view';
import { clusterNamed, nodeVisibleTo, visibleTo } from './chosen-nodes';

/** How many nodes are how, of those and in the clusters that the caller may look at. */
export async function getCensus(
  { db, nodes, sessions, heads }: Uses<'db.clusters' | 'db.rollouts' | 'nodes' | 'sessions' | 'heads'>,
  request: GetCensusRequest,
  context: CallContext,
): Promise<GetCensusResponse> {
  const named = await clusterNamed(db, request.cluster);
  const all = named === undefined ? (await db.clusters.list()).map(({ name }) => name) : [named];
  return {
    clusters: censusToWire({
      clusters: all.filter(visibleTo(context)).sort(),
      nodes: nodes.list(named).filter(nodeVisibleTo(context)),
      isConnected: ({ name }) => sessions.isConnected(name),
      heads: heads.list(),
      nowMs: Date.now(),
      unconfirmed: await db.rollouts.unconfirmed(),
    }),
  };
}
