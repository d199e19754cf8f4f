// SPDX-License-Identifier: GPL-2.0-only
import type { ListRolloutsRequest, ListRolloutsResponse } from '@lockstep/contracts/generated';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import type { Services } from '../services';
import { rolloutToWire } from '../views/rollout-view';

export async function listRollouts({ db }: Services, request: ListRolloutsRequest): Promise<ListRolloutsResponse> {
  const name = request.cluster === '' ? undefined : parseClusterName(request.cluster);
  const cluster = name === undefined ? undefined : (await db.clusters.require(name)).name;
  return { rollouts: (await db.rollouts.list(cluster)).map((rollout) => rolloutToWire(rollout)) };
}
