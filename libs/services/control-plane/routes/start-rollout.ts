// SPDX-License-Identifier: GPL-2.0-only
import type { StartRolloutRequest, StartRolloutResponse } from '@lockstep/contracts/generated';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import type { RolloutPolicy } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { rolloutToWire } from '../views/rollout-view';
import { chooseLog, type LogChooser } from './choose-log';

export async function startRollout(
  services: Uses<LogChooser | 'rollouts'>,
  request: StartRolloutRequest,
  { kept }: KeepingContext<StartRolloutResponse>,
): Promise<StartRolloutResponse> {
  const { db, rollouts } = services;
  const { cluster, kernelBuild } = await chooseLog(services, request);
  const head = await db.loadOrders.head({ cluster, kernelBuild });
  const answer = (rollout: RolloutRecord) => ({ rollout: rolloutToWire(rollout) });
  const policy: RolloutPolicy = {
    kernelBuild,
    toSeq: parseSeq(request.toSeq === 0 ? head : request.toSeq),
    canaries: request.canaries === 0 ? 1 : request.canaries,
    waveSize: request.waveSize,
  };
  return answer(await rollouts.begin(cluster, policy, kept(answer)));
}
