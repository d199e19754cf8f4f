// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type WatchRolloutRequest, type WatchRolloutResponse } from '@lockstep/contracts/generated';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { oneRolloutToWire } from '../views/rollout-view';

export async function* watchRollout(
  { db, changes }: Uses<'db.rollouts' | 'changes'>,
  { id }: WatchRolloutRequest,
  { signal }: CallContext,
): AsyncGenerator<WatchRolloutResponse> {
  const read = async () => oneRolloutToWire(db, await db.rollouts.require(id));
  const hasEnded = ({ status }: { status: RolloutStatus }) => status !== RolloutStatus.ROLLOUT_STATUS_RUNNING;
  for await (const rollout of changes.watch(`rollout:${id}`, read, hasEnded, signal)) yield { rollout };
}
