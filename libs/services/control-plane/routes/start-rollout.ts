// SPDX-License-Identifier: GPL-2.0-only
import type { StartRolloutRequest, StartRolloutResponse } from '@lockstep/contracts/generated';
import { LockstepError, parseClusterName } from '@lockstep/domain/livepatch-model';
import type { RolloutRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { rolloutToWire } from '../views/rollout-view';
import { approvalsFor, askedRollout } from './asked-rollout';
import type { LogChooser } from './choose-log';

const emergencyPlan = (plan: string): LockstepError => {
  const message =
    'That plan is of an emergency: `lockstep rollout start --break-glass --reason TEXT --plan HASH` begins it.';
  return new LockstepError('refused', 'emergency-plan', message, { plan });
};

export async function startRollout(
  services: Uses<LogChooser | 'rollouts'>,
  request: StartRolloutRequest,
  context: KeepingContext<StartRolloutResponse>,
): Promise<StartRolloutResponse> {
  const { rollouts } = services;
  const { kept } = context;
  const answer = (rollout: RolloutRecord) => ({ rollout: rolloutToWire(rollout) });
  const how = { call: kept(answer), ...(request.supersede === true ? { supersedes: 'any' as const } : {}) };
  if (request.planHash !== '') {
    const shownIn = parseClusterName(request.cluster);
    const policy = rollouts.shownPolicy(shownIn, request.planHash);
    if (policy.breakGlass !== undefined) throw emergencyPlan(request.planHash);
    // Whoever starts it is its author, whoever has looked at it first.
    const approvals = await approvalsFor(services, shownIn, context);
    const shown = { ...policy, approvals };
    return answer(await rollouts.begin(shownIn, shown, { ...how, shownAs: request.planHash }));
  }
  const { cluster, policy } = await askedRollout(services, request, context);
  return answer(await rollouts.begin(cluster, policy, how));
}
