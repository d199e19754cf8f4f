// SPDX-License-Identifier: GPL-2.0-only
import { hasStrayLog, type Seq } from '@lockstep/domain/livepatch-model';
import type { NodeFacts, RolloutPolicy } from './rollout-plan';

/** Why a rollout may not start. */
export type RolloutRefusal =
  | { readonly reason: 'beyond-head'; readonly head: Seq }
  | { readonly reason: 'behind-target'; readonly furthest: Seq }
  | { readonly reason: 'no-nodes' }
  | { readonly reason: 'invalid-policy'; readonly what: 'to-seq' | 'canaries' | 'wave-size' };

export interface RolloutContext {
  /** Seq of the load order's last entry. */
  readonly head: Seq;
  /** The largest position any earlier rollout of this load order was for; 0 without one. */
  readonly furthest: Seq;
  readonly inventory: readonly NodeFacts[];
}

const wholeFrom = (least: number, value: number): boolean => Number.isSafeInteger(value) && value >= least;

/** Positions only grow, so a rollout to below what any node was ever sent to could never make the nodes equal. */
export function refuseRollout(policy: RolloutPolicy, context: RolloutContext): RolloutRefusal | undefined {
  if (!wholeFrom(1, policy.toSeq)) return { reason: 'invalid-policy', what: 'to-seq' };
  if (!wholeFrom(1, policy.canaries)) return { reason: 'invalid-policy', what: 'canaries' };
  if (!wholeFrom(0, policy.waveSize)) return { reason: 'invalid-policy', what: 'wave-size' };
  if (policy.toSeq > context.head) return { reason: 'beyond-head', head: context.head };
  const members = context.inventory.filter(({ kernelBuild }) => kernelBuild === policy.kernelBuild);
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
    case 'invalid-policy':
      switch (refusal.what) {
        case 'to-seq':
          return 'A rollout goes to an entry of the load order: use a seq from 1.';
        case 'canaries':
          return 'A rollout starts with at least one canary: use a whole number from 1.';
        case 'wave-size':
          return 'A wave has a whole number of nodes, or 0 for all of them.';
      }
  }
}
