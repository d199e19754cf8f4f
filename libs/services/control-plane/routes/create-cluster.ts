// SPDX-License-Identifier: GPL-2.0-only
import type { CreateClusterRequest, CreateClusterResponse } from '@lockstep/contracts/generated';
import { switchingFromWire } from '@lockstep/contracts/wire';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import type { ClusterRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { clusterToWire } from '../views/cluster-view';

export async function createCluster(
  { db }: Uses<'db.clusters'>,
  { name, ...switching }: CreateClusterRequest,
  { kept }: KeepingContext<CreateClusterResponse>,
): Promise<CreateClusterResponse> {
  const answer = (cluster: ClusterRecord) => ({ cluster: clusterToWire(cluster) });
  return answer(await db.clusters.create(parseClusterName(name), switchingFromWire(switching), kept(answer)));
}
