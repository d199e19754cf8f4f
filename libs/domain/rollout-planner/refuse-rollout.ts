// SPDX-License-Identifier: GPL-2.0-only
import { hasStrayLog, type Seq } from '@lockstep/domain/livepatch-model';
import { counted } from '@lockstep/domain/visible-text';
import { refuseCanaries } from './canary-choice';
import { countThere } from './count-there';
import { refuseEmergency } from './break-glass';
import { refuseSpread } from './domains';
import type { NodeFacts, RolloutPlan } from './rollout-plan';
import { refuseRules, type RolloutPolicy } from './rollout-policy';

/** Why a rollout may not start. */
export type RolloutRefusal =
  | { readonly reason: 'beyond-head'; readonly head: Seq }
  | { readonly reason: 'behind-target'; readonly furthest: Seq }
  | { readonly reason: 'no-nodes' }
  /** Another one of this load order has not ended. */
  | { readonly reason: 'rollout-running'; readonly running: RunningRollout }
  /** Says why no rollout can go by it. */
  | { readonly reason: 'invalid-policy'; readonly why: string };

/** One that has not ended. */
export interface RunningRollout {
  readonly id: string;
  readonly plan: RolloutPlan;
}

export interface RolloutContext {
  /** Seq of the load order's last entry. */
  readonly head: Seq;
  /** The largest position any earlier rollout of this load order was for; 0 without one. */
  readonly furthest: Seq;
  readonly inventory: readonly NodeFacts[];
}

/** Positions only grow, so a rollout to below what any node was ever sent to could never make the nodes equal. */
export function refuseRollout(policy: RolloutPolicy, context: RolloutContext): RolloutRefusal | undefined {
  if (!Number.isSafeInteger(policy.toSeq) || policy.toSeq < 1) {
    const why =
      context.head === 0
        ? 'The load order has no entries yet: put a patch into it with `lockstep order append`, then roll that out.'
        : 'A rollout goes to an entry of the load order: use a seq from 1.';
    return { reason: 'invalid-policy', why };
  }
  if (policy.toSeq > context.head) return { reason: 'beyond-head', head: context.head };
  const members = context.inventory.filter(({ kernelBuild }) => kernelBuild === policy.kernelBuild);
  const why =
    refuseRules(policy, members.length) ??
    refuseEmergency(policy.breakGlass, policy) ??
    refuseCanaries(policy, members) ??
    refuseSpread(policy.spread, members);
  if (why !== undefined) return { reason: 'invalid-policy', why };
  if (members.length === 0) return { reason: 'no-nodes' };
  let furthest = context.furthest;
  for (const { report } of members) {
    // The target of a log that is not ours, or goes on beyond ours, bounds nobody else.
    if (report !== null && !hasStrayLog(report.status) && report.target > furthest) furthest = report.target;
  }
  return policy.toSeq < furthest ? { reason: 'behind-target', furthest } : undefined;
}

/** Says a refusal in words, and what to do. */
export function explainRolloutRefusal(refusal: RolloutRefusal, policy: RolloutPolicy): string {
  switch (refusal.reason) {
    case 'beyond-head':
      return `There is no entry #${policy.toSeq}: the load order ends at #${refusal.head}.`;
    case 'behind-target':
      return (
        `Nodes were sent to position ${refusal.furthest} already and positions only grow: roll out to ` +
        `#${refusal.furthest} or later, and undo an entry by retiring it.`
      );
    case 'no-nodes':
      return `No node of the cluster runs kernel build ${policy.kernelBuild}: let one join first.`;
    case 'rollout-running':
      return explainRunning(refusal.running);
    case 'invalid-policy':
      return refusal.why;
  }
}

function explainRunning({ id, plan }: RunningRollout): string {
  const { status, toSeq, openWave, waves, nodes } = plan;
  const wave = openWave?.wave ?? waves.length - 1;
  const at = wave === 0 ? 'the canaries' : `wave ${wave}`;
  return (
    `Rollout ${id} to #${toSeq} is ${status}, at ${at} of ${counted(waves.length, 'wave')}, with ${countThere(plan)} of ` +
    `${counted(nodes.length, 'node')} there: wait for it (lockstep rollout watch ${id}), or end it and go on from where it stands with --supersede.`
  );
}
