// SPDX-License-Identifier: GPL-2.0-only
import type { ConfirmRolloutRequest, ConfirmRolloutResponse } from '@lockstep/contracts/generated';
import type { RolloutRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import { remembering } from '../remembering';
import type { Uses } from '../services';
import { rolloutToWire } from '../views/rollout-view';
import { personOf } from './approve-rollout';
import { askedReason } from './asked-reason';

/** A second person's word for an emergency, whatever has become of it. @throws LockstepError as the store's `confirm`. */
export async function confirmRollout(
  { db, rollouts }: Uses<'db.rollouts' | 'rollouts'>,
  { id, reason }: ConfirmRolloutRequest,
  context: KeepingContext<ConfirmRolloutResponse>,
): Promise<ConfirmRolloutResponse> {
  const answer = remembering((rollout: RolloutRecord) => ({ rollout: rolloutToWire(rollout) }));
  const confirmed = await db.rollouts.confirm(
    id,
    { by: personOf(context), reason: askedReason(reason) },
    context.kept(answer),
  );
  rollouts.noticeConfirmed(confirmed);
  return answer(confirmed);
}
