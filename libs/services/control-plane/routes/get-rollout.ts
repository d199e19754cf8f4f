// SPDX-License-Identifier: GPL-2.0-only
import type { GetRolloutRequest, GetRolloutResponse } from '@lockstep/contracts/generated';
import type { Uses } from '../services';
import { oneRolloutToWire } from '../views/rollout-view';

export async function getRollout({ db }: Uses<'db.rollouts'>, { id }: GetRolloutRequest): Promise<GetRolloutResponse> {
  return { rollout: await oneRolloutToWire(db, await db.rollouts.require(id)) };
}
