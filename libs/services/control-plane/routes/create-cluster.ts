// SPDX-License-Identifier: GPL-2.0-only
import type { CreateClusterRequest, CreateClusterResponse } from '@lockstep/contracts/generated';
import { switchingFromWire } from '@lockstep/contracts/wire';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';
import { clusterToWire } from '../views/cluster-view';

export async function createCluster(
  { db }: Uses<'db.clusters'>,
  { name, ...switching }: CreateClusterRequest,
): Promise<CreateClusterResponse> {
  const cluster = await db.clusters.create(parseClusterName(name), switchingFromWire(switching));
  return { cluster: clusterToWire(cluster) };
}
