// SPDX-License-Identifier: GPL-2.0-only
import type {
  AbortRolloutRequest,
  PauseRolloutRequest,
  ResumeRolloutRequest,
  RetryRolloutRequest,
  Rollout,
} from '@lockstep/contracts/generated';
import { subjectOf } from '@lockstep/domain/access';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import type { RolloutOrder } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import { remembering } from '../remembering';
import type { Uses } from '../services';
import { rolloutToWire } from '../views/rollout-view';
import { askedReason } from './asked-reason';

export interface RolloutAnswer {
  readonly rollout: Rollout | undefined;
}

type Context = KeepingContext<RolloutAnswer>;

export async function giveOrder(
  { rollouts }: Uses<'rollouts'>,
  id: string,
  order: RolloutOrder,
  { kept, caller }: Context,
): Promise<RolloutAnswer> {
  const answer = remembering((rollout: RolloutRecord): RolloutAnswer => ({ rollout: rolloutToWire(rollout) }));
  const said = { ...order, reason: askedReason(order.reason) };
  return answer(await rollouts.order(id, said, subjectOf(caller.identity), kept(answer)));
}

export const pauseRollout = (
  services: Uses<'rollouts'>,
  { id, reason }: PauseRolloutRequest,
  context: Context,
): Promise<RolloutAnswer> => giveOrder(services, id, { kind: 'pause', reason }, context);

export const resumeRollout = (
  services: Uses<'rollouts'>,
  { id, reason }: ResumeRolloutRequest,
  context: Context,
): Promise<RolloutAnswer> => giveOrder(services, id, { kind: 'resume', reason }, context);

export const abortRollout = (
  services: Uses<'rollouts'>,
  { id, reason }: AbortRolloutRequest,
  context: Context,
): Promise<RolloutAnswer> => giveOrder(services, id, { kind: 'abort', reason }, context);

export const retryRollout = (
  services: Uses<'rollouts'>,
  { id, reason, nodes }: RetryRolloutRequest,
  context: Context,
): Promise<RolloutAnswer> =>
  giveOrder(services, id, { kind: 'retry', reason, nodes: nodes.map(parseNodeName) }, context);
