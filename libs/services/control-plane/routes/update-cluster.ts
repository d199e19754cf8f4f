// SPDX-License-Identifier: GPL-2.0-only
import type { UpdateClusterRequest, UpdateClusterResponse } from '@lockstep/contracts/generated';
import { switchingFromWire, switchingToWire } from '@lockstep/contracts/wire';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import type { Services } from '../services';
import { clusterToWire } from '../views/cluster-view';

/** What entries get that say nothing themselves, from now on: those that are there stay as they were signed. */
export async function updateCluster(
  { db }: Services,
  { name, consistency, transitionTimeoutMs, stableMs }: UpdateClusterRequest,
): Promise<UpdateClusterResponse> {
  const cluster = await db.clusters.update(parseClusterName(name), (now) => {
    const before = switchingToWire(now);
    return switchingFromWire({
      consistency: consistency ?? before.consistency,
      transitionTimeoutMs: transitionTimeoutMs ?? before.transitionTimeoutMs,
      stableMs: stableMs ?? before.stableMs,
    });
  });
  return { cluster: clusterToWire(cluster) };
}
