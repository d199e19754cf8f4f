// SPDX-License-Identifier: GPL-2.0-only
import type { NodeFacts, RolloutPlan, RolloutPolicy } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';

/** What a plan is made from, besides the time. */
export interface LookedAt {
  readonly inventory: readonly NodeFacts[];
  /** Where the load order ends. */
  readonly head: number;
  /** What others have taken back of it, or may have. */
  readonly retired: readonly unknown[];
}

interface Quiet extends Pick<LookedAt, 'inventory' | 'head'> {
  readonly plan: RolloutPlan;
}

/** Nobody is waited for, so no time that passes changes anything. */
const isOver = (plan: RolloutPlan, { breakGlass }: RolloutPolicy, { retired }: LookedAt): boolean =>
  plan.status === 'succeeded' &&
  breakGlass === undefined &&
  retired.length === 0 &&
  plan.nodes.every(({ notYet }) => notYet === null);

/** But for when it was heard: that counts for who is away. What a node says again is the very object that it was. */
const isSame = (a: NodeFacts, b: NodeFacts | undefined): boolean =>
  a.node === b?.node &&
  a.kernelBuild === b.kernelBuild &&
  a.connected === b.connected &&
  a.report === b.report &&
  a.labels === b.labels;

/**
 * Rollouts that have succeeded, with everybody there, at which somebody has looked and found nothing new: by the same facts the
 * next look finds nothing either. Of ten thousand nodes a plan of nothing new is a fifth of a second, four times a minute.
 */
export class QuietLooks {
  private readonly quiet = new Map<string, Quiet>();

  /** The last look at this very plan was by the same facts, and it stayed. */
  isQuiet({ id, plan, policy }: RolloutRecord, looked: LookedAt): boolean {
    const last = this.quiet.get(id);
    return (
      last?.plan === plan &&
      last.head === looked.head &&
      isOver(plan, policy, looked) &&
      last.inventory.length === looked.inventory.length &&
      looked.inventory.every((facts, at) => isSame(facts, last.inventory[at]))
    );
  }

  /** A look has led to this plan. */
  note({ id, plan: parent, policy }: RolloutRecord, looked: LookedAt, plan: RolloutPlan): void {
    const { inventory, head } = looked;
    if (plan === parent && isOver(plan, policy, looked)) this.quiet.set(id, { plan, inventory, head });
    else this.quiet.delete(id);
  }

  /** Others are not in force any more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.quiet.keys()) if (!ids.has(id)) this.quiet.delete(id);
  }
}
