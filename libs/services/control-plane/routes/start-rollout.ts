// SPDX-License-Identifier: GPL-2.0-only
import type { StartRolloutRequest, StartRolloutResponse } from '@lockstep/contracts/generated';
import { shareFromWire } from '@lockstep/contracts/wire';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { defaultRules, type RolloutRules } from '@lockstep/domain/rollout-planner';
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
  const toSeq = parseSeq(request.toSeq === 0 ? head : request.toSeq);
  return answer(await rollouts.begin(cluster, { kernelBuild, toSeq, ...rulesOf(request) }, kept(answer)));
}

function rulesOf({ canaries, waveSize, rules }: StartRolloutRequest): RolloutRules {
  const waves = (rules?.waves ?? []).flatMap((share) => shareFromWire(share) ?? []);
  const deadlineMs = (rules?.deadlineSeconds ?? 0) * 1_000;
  return {
    canaries: canaries === 0 ? defaultRules.canaries : canaries,
    waves: waves.length > 0 ? waves : waveSize > 0 ? [{ nodes: waveSize }] : defaultRules.waves,
    allowedFailures: shareFromWire(rules?.allowedFailures) ?? defaultRules.allowedFailures,
    atOnce: shareFromWire(rules?.atOnce) ?? defaultRules.atOnce,
    haltsOnCrash: rules?.goesOnAfterCrash !== true,
    bakeMs: (rules?.bakeSeconds ?? 0) * 1_000,
    deadlineMs: deadlineMs === 0 ? defaultRules.deadlineMs : deadlineMs,
  };
}
