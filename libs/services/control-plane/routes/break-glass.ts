// SPDX-License-Identifier: GPL-2.0-only
import type { BreakGlassRequest, BreakGlassResponse } from '@lockstep/contracts/generated';
import { subjectOf } from '@lockstep/domain/access';
import { LockstepError, parseClusterName } from '@lockstep/domain/livepatch-model';
import type { RolloutRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { remembering } from '../remembering';
import { rolloutToWire } from '../views/rollout-view';
import { askedEmergency } from './asked-emergency';
import { askedReason } from './asked-reason';
import type { AskedRollout } from './asked-rollout';
import type { LogChooser } from './choose-log';

/** The emergency that was shown here, in the name of whoever begins it. @throws LockstepError `refused` `no-emergency`. */
function shownEmergency(
  { rollouts }: Uses<'rollouts'>,
  { cluster: name, planHash, reason }: BreakGlassRequest,
  by: string,
): AskedRollout | undefined {
  const cluster = parseClusterName(name);
  const policy = planHash === '' ? undefined : rollouts.shownPolicy(cluster, planHash);
  if (policy === undefined) return undefined;
  if (policy.breakGlass !== undefined) return { cluster, policy: { ...policy, breakGlass: { by, reason } } };
  const message = 'That plan is none of an emergency: look at one with `lockstep rollout plan --break-glass`.';
  throw new LockstepError('refused', 'no-emergency', message, { plan: planHash });
}

/** @throws LockstepError as `begin`; `emergency-preset`, `no-emergency`. */
export async function breakGlass(
  services: Uses<LogChooser | 'rollouts' | 'log'>,
  request: BreakGlassRequest,
  context: KeepingContext<BreakGlassResponse>,
): Promise<BreakGlassResponse> {
  const { planHash } = request;
  const reason = askedReason(request.reason);
  const by = subjectOf(context.caller.identity);
  const answer = remembering((rollout: RolloutRecord) => ({ rollout: rolloutToWire(rollout) }));
  const { cluster, policy } =
    shownEmergency(services, { ...request, reason }, by) ?? (await askedEmergency(services, request, reason, context));
  const how = {
    call: context.kept(answer),
    ...(planHash === '' ? {} : { shownAs: planHash }),
    ...(request.supersede === true ? { supersedes: 'any' as const } : {}),
  };
  const rollout = await services.rollouts.begin(cluster, policy, how);
  services.log.warn({ rollout: rollout.id, cluster, by, reason }, 'the glass is broken');
  return answer(rollout);
}
