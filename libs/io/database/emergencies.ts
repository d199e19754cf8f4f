// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import {
  explainConfirmationRefusal,
  refuseConfirmation,
  type BreakGlass,
  type Confirmation,
  type RolloutPolicy,
} from '@lockstep/domain/rollout-planner';
import type { Client, Transaction } from './client';

/** An emergency that nobody else has confirmed. */
export interface UnconfirmedRecord extends BreakGlass {
  readonly id: string;
  readonly cluster: ClusterName;
  readonly startedAt: Date;
}

/** The oldest first, of all clusters. */
export async function unconfirmedEmergencies(db: Client): Promise<UnconfirmedRecord[]> {
  return db.$queryRaw<UnconfirmedRecord[]>`SELECT r.id::text, cluster_name AS cluster, started_at AS "startedAt",
      rules->'breakGlass'->>'by' AS by, rules->'breakGlass'->>'reason' AS reason
    FROM rollouts r LEFT JOIN rollout_confirmations c ON c.rollout_id = r.id
    WHERE rules ? 'breakGlass' AND c.rollout_id IS NULL ORDER BY number`;
}

/** @throws LockstepError `refused` where it counts for nothing. */
export async function insertConfirmation(
  tx: Transaction,
  {
    id,
    policy,
    confirmation,
  }: { readonly id: string; readonly policy: RolloutPolicy; readonly confirmation?: Confirmation | undefined },
  { by, reason }: Omit<Confirmation, 'atMs'>,
): Promise<void> {
  const refusal = refuseConfirmation(by, policy.breakGlass, confirmation);
  if (refusal !== undefined) {
    throw new LockstepError('refused', refusal.reason, explainConfirmationRefusal(refusal, id), { rollout: id });
  }
  await tx.rolloutConfirmation.create({ data: { rolloutId: id, givenBy: by, reason } });
}
