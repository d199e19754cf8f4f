// SPDX-License-Identifier: GPL-2.0-only
import type { ApproveRolloutRequest, RejectRolloutRequest } from '@lockstep/contracts/generated';
import { subjectOf } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { CallContext } from '../grpc/call-route';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { giveOrder, type RolloutAnswer } from './order-rollout';

/** A program's word is no second pair of eyes. @throws LockstepError `forbidden` `not-a-person`. */
export function personOf({ caller }: Pick<CallContext, 'caller'>): string {
  const { identity } = caller;
  if (identity.kind === 'owner' && identity.owner.kind === 'person') return subjectOf(identity);
  const message = `${subjectOf(identity)} is no person, and people approve: use a token of your own (lockstep token create).`;
  throw new LockstepError('forbidden', 'not-a-person', message);
}

export const approveRollout = (
  services: Uses<'rollouts'>,
  { id, planHash, reason }: ApproveRolloutRequest,
  context: KeepingContext<RolloutAnswer>,
): Promise<RolloutAnswer> =>
  giveOrder(services, id, { kind: 'approve', reason, by: personOf(context), hash: planHash }, context);

export const rejectRollout = (
  services: Uses<'rollouts'>,
  { id, reason }: RejectRolloutRequest,
  context: KeepingContext<RolloutAnswer>,
): Promise<RolloutAnswer> => giveOrder(services, id, { kind: 'reject', reason, by: personOf(context) }, context);
