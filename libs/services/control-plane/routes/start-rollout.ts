// SPDX-License-Identifier: GPL-2.0-only
import type { StartRolloutRequest, StartRolloutResponse } from '@lockstep/contracts/generated';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';
import { oneRolloutToWire } from '../views/rollout-view';
import { chooseLog, type LogChooser } from './choose-log';

export async function startRollout(
  services: Uses<LogChooser | 'db.rollouts' | 'rollouts'>,
  request: StartRolloutRequest,
): Promise<StartRolloutResponse> {
  const { db, rollouts } = services;
  const { cluster, kernelBuild } = await chooseLog(db, request);
  const head = await db.loadOrders.head({ cluster, kernelBuild });
  const rollout = await rollouts.begin(cluster, {
    kernelBuild,
    toSeq: parseSeq(request.toSeq === 0 ? head : request.toSeq),
    canaries: request.canaries === 0 ? 1 : request.canaries,
    waveSize: request.waveSize,
  });
  return { rollout: await oneRolloutToWire(db, rollout) };
}
