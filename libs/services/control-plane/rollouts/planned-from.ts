// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import type { NodeFacts, RolloutPlan, RolloutPolicy } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';

/** What people agree to, of this load order and no other. */
export const agreementHash = ({ cluster, kernelBuild }: LogName, text: string): string =>
  sha256OfBytes(Buffer.from(`${cluster}\n${kernelBuild}\n${text}`));

export const isOfOrder = ({ policy }: RolloutRecord, { kernelBuild }: RolloutPolicy): boolean =>
  policy.kernelBuild === kernelBuild;

/** Of each node what the newest of these rollouts has seen. @param rollouts the oldest first */
export const tookBefore = (rollouts: readonly RolloutRecord[]): ReadonlyMap<NodeName, number> =>
  new Map(
    rollouts.flatMap(({ plan }) =>
      plan.nodes.flatMap(({ node, tookMs }) => (tookMs === undefined ? [] : [[node, tookMs] as const])),
    ),
  );

const away: ReadonlySet<string | undefined> = new Set(['lost', 'disconnected', 'unreachable']);

/** An operator's word is planned for at once, also just after a start: who was there before has its time to return. */
export function withThoseThatReturn(inventory: readonly NodeFacts[], { nodes }: RolloutPlan): NodeFacts[] {
  const were = new Set(nodes.filter(({ notYet }) => !away.has(notYet?.reason)).map(({ node }) => node));
  return inventory.map((facts) => (were.has(facts.node) ? { ...facts, connected: true } : facts));
}
