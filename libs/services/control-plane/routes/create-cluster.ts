// SPDX-License-Identifier: GPL-2.0-only
import type { CreateClusterRequest, CreateClusterResponse } from '@lockstep/contracts/generated';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import type { Services } from '../services';

export async function createCluster({ db }: Services, { name }: CreateClusterRequest): Promise<CreateClusterResponse> {
  return { cluster: await db.clusters.create(parseClusterName(name)) };
}
