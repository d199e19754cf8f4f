// SPDX-License-Identifier: GPL-2.0-only
import type { ListClustersResponse } from '@lockstep/contracts/generated';
import type { Services } from '../services';

export async function listClusters({ db }: Services): Promise<ListClustersResponse> {
  return { clusters: await db.clusters.list() };
}
