// SPDX-License-Identifier: GPL-2.0-only
import type { StartRolloutRequest, StartRolloutResponse } from '@lockstep/contracts/generated';
import { LockstepError, parseClusterName } from '@lockstep/domain/livepatch-model';
import type { RolloutRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { remembering } from '../remembering';
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
  const answer = remembering((rollout: RolloutRecord) => ({ rollout: rolloutToWire(rollout) }));
  const how = { call: kept(answer), ...(request.supersede === true ? { supersedes: 'any' as const } : {}) };
  const shownIn = request.planHash === '' ? undefined : parseClusterName(request.cluster);
  const policy = shownIn === undefined ? undefined : rollouts.shownPolicy(shownIn, request.planHash);
  if (shownIn !== undefined && policy !== undefined) {
    if (policy.breakGlass !== undefined) throw emergencyPlan(request.planHash);
    // Whoever starts it is its author, whoever has looked at it first.
    const approvals = await approvalsFor(services, shownIn, context);
    const shown = { ...policy, approvals };
    return answer(await rollouts.begin(shownIn, shown, { ...how, shownAs: request.planHash }));
  }
  // What was shown elsewhere is what is asked for now, if it has the same hash.
  const asked = await askedRollout(services, request, context);
  const shownAs = request.planHash === '' ? undefined : request.planHash;
  return answer(await rollouts.begin(asked.cluster, asked.policy, { ...how, shownAs }));
}
