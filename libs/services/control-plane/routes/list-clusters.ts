// SPDX-License-Identifier: GPL-2.0-only
import type { ListClustersResponse } from '@lockstep/contracts/generated';
import type { Services } from '../services';
import { clusterToWire } from '../views/cluster-view';

export async function listClusters({ db }: Services): Promise<ListClustersResponse> {
  return { clusters: (await db.clusters.list()).map(clusterToWire) };
}
