// SPDX-License-Identifier: GPL-2.0-only
import type { GetRolloutRequest, GetRolloutResponse } from '@lockstep/contracts/generated';
import type { Uses } from '../services';
import { currentRollout, rolloutToWire } from '../views/rollout-view';

export async function getRollout(
  services: Uses<'db.rollouts' | 'rollouts'>,
  { id }: GetRolloutRequest,
): Promise<GetRolloutResponse> {
  return { rollout: rolloutToWire(await currentRollout(services, id)) };
}
