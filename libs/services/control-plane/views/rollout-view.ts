// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type NodeProgress, type Rollout } from '@lockstep/contracts/generated';
import { explainNotYet, type NodePlan } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';

const statusToWire: Readonly<Record<RolloutRecord['status'], RolloutStatus>> = {
  running: RolloutStatus.ROLLOUT_STATUS_RUNNING,
  succeeded: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED,
  halted: RolloutStatus.ROLLOUT_STATUS_HALTED,
  superseded: RolloutStatus.ROLLOUT_STATUS_SUPERSEDED,
};

function progressToWire({ node, wave, position, released, notYet }: NodePlan, toSeq: number): NodeProgress {
  return {
    node,
    wave,
    position,
    target: released ? toSeq : position,
    notYet: notYet === null ? undefined : { reason: notYet.reason, message: explainNotYet(notYet) },
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
    nodes: plan.nodes.map((node) => progressToWire(node, policy.toSeq)),
    startedAt,
    endedAt: endedAt ?? undefined,
  };
}
