// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type NodeProgress, type Rollout } from '@lockstep/contracts/generated';
import { explainNotYet, isAwaited, type NodePlan, type RolloutPlan } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import type { Uses } from '../services';

const statusToWire: Readonly<Record<RolloutRecord['status'], RolloutStatus>> = {
  running: RolloutStatus.ROLLOUT_STATUS_RUNNING,
  succeeded: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED,
  halted: RolloutStatus.ROLLOUT_STATUS_HALTED,
  superseded: RolloutStatus.ROLLOUT_STATUS_SUPERSEDED,
};

function progressToWire(planned: NodePlan, plan: RolloutPlan): NodeProgress {
  const { node, wave, position, released, notYet, sinceMs } = planned;
  return {
    node,
    wave,
    position,
    target: released ? plan.toSeq : position,
    notYet: notYet === null ? undefined : { reason: notYet.reason, message: explainNotYet(notYet, plan) },
    since: new Date(sinceMs),
    awaited: notYet !== null && isAwaited(notYet),
    obstacles: [...(planned.obstacles ?? [])],
  };
}

export function rolloutToWire(rollout: RolloutRecord): Rollout {
  const { id, cluster, policy, status, plan, startedAt, endedAt } = rollout;
  return {
    id,
    cluster,
    kernelBuildId: policy.kernelBuild,
    toSeq: policy.toSeq,
    status: statusToWire[status],
    nodes: plan.nodes.map((node) => progressToWire(node, plan)),
    startedAt,
    endedAt: endedAt ?? undefined,
    caveats: plan.caveats.map(({ seq, patchName, kind, message }) => ({ seq, patchName, caveat: { kind, message } })),
  };
}

/** One that is worked on is told in the newest words, another as it is stored. */
export async function currentRollout(
  { db, rollouts }: Uses<'db.rollouts' | 'rollouts'>,
  id: string,
): Promise<RolloutRecord> {
  return rollouts.find(id) ?? (await db.rollouts.require(id));
}
