// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type NodeProgress, type Rollout } from '@lockstep/contracts/generated';
import { explainNotYet, isAwaited, type NodePlan } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import type { Stores } from '../services';

const statusToWire: Readonly<Record<RolloutRecord['status'], RolloutStatus>> = {
  running: RolloutStatus.ROLLOUT_STATUS_RUNNING,
  succeeded: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED,
  halted: RolloutStatus.ROLLOUT_STATUS_HALTED,
  superseded: RolloutStatus.ROLLOUT_STATUS_SUPERSEDED,
};

type PlanTimes = ReadonlyMap<number, Date>;

function progressToWire(planned: NodePlan, toSeq: number, plannedAt: PlanTimes): NodeProgress {
  const { node, wave, position, released, notYet, sinceGeneration } = planned;
  return {
    node,
    wave,
    position,
    target: released ? toSeq : position,
    notYet: notYet === null ? undefined : { reason: notYet.reason, message: explainNotYet(notYet) },
    since: plannedAt.get(sinceGeneration),
    awaited: notYet !== null && isAwaited(notYet),
    obstacles: [...(planned.obstacles ?? [])],
  };
}

export function rolloutToWire(rollout: RolloutRecord, plannedAt: PlanTimes = new Map()): Rollout {
  const { id, cluster, policy, status, plan, startedAt, endedAt } = rollout;
  return {
    id,
    cluster,
    kernelBuildId: policy.kernelBuild,
    toSeq: policy.toSeq,
    status: statusToWire[status],
    nodes: plan.nodes.map((node) => progressToWire(node, policy.toSeq, plannedAt)),
    startedAt,
    endedAt: endedAt ?? undefined,
    caveats: plan.caveats.map(({ seq, patchName, kind, message }) => ({ seq, patchName, caveat: { kind, message } })),
  };
}

/** As it begins: all of it is so since now. */
export const newRolloutToWire = (rollout: RolloutRecord): Rollout =>
  rolloutToWire(rollout, new Map([[rollout.plan.generation, rollout.startedAt]]));

/** With the times since when nodes stand as they do. */
export async function oneRolloutToWire(db: Stores<'rollouts'>, rollout: RolloutRecord): Promise<Rollout> {
  const generations = new Set(rollout.plan.nodes.map(({ sinceGeneration }) => sinceGeneration));
  return rolloutToWire(rollout, await db.rollouts.plannedAt(rollout.id, [...generations]));
}
