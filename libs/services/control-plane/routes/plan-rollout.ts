// SPDX-License-Identifier: GPL-2.0-only
import type { PlanRolloutRequest, PlanRolloutResponse } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { askedEmergency } from './asked-emergency';
import { askedRollout } from './asked-rollout';
import type { LogChooser } from './choose-log';
import { plannedAnswer } from './planned-answer';

/** Ships nothing, and says everything that a rollout would do if it began now. */
export async function planRollout(
  services: Uses<LogChooser | 'rollouts' | 'logs'>,
  { rollout: asked, breakGlass }: PlanRolloutRequest,
  context: CallContext,
): Promise<PlanRolloutResponse> {
  if (asked === undefined)
    throw new LockstepError('invalid-input', 'no-rollout', 'Say which rollout is to be planned.');
  const { cluster, policy } =
    breakGlass === true
      ? await askedEmergency(services, asked, 'shown', context)
      : await askedRollout(services, asked, context);
  const entries = await services.logs.entries({ cluster, kernelBuild: policy.kernelBuild });
  return plannedAnswer(services, cluster, policy, entries);
}
