// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type WatchRolloutRequest, type WatchRolloutResponse } from '@lockstep/contracts/generated';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { currentRollout, rolloutToWire } from '../views/rollout-view';

export async function* watchRollout(
  services: Uses<'db.rollouts' | 'rollouts' | 'changes'>,
  { id }: WatchRolloutRequest,
  { signal }: CallContext,
): AsyncGenerator<WatchRolloutResponse> {
  const read = async () => rolloutToWire(await currentRollout(services, id));
  const hasEnded = ({ status }: { status: RolloutStatus }) =>
    status !== RolloutStatus.ROLLOUT_STATUS_RUNNING && status !== RolloutStatus.ROLLOUT_STATUS_PAUSED;
  for await (const rollout of services.changes.watch(`rollout:${id}`, read, hasEnded, signal)) yield { rollout };
}
