// SPDX-License-Identifier: GPL-2.0-only
import type { Approvals } from './approvals';
import type { PlanRequest } from './plan-request';
import type { RolloutPolicy } from './rollout-policy';
import type { Placed } from './wave-state';

/** An object with its names in order: stored as JSON it comes back with others before. */
const inOrder = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/**
 * What is agreed to, as text: the same as long as it is the same plan, also of a policy that was stored meanwhile, which
 * keeps no order of names. Who comes late is no part of it.
 */
function agreement(policy: RolloutPolicy, placed: readonly Placed[]): string {
  const rules = Object.entries(policy)
    .filter(([name, value]) => name !== 'approvals' && name !== 'undoes' && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const members = placed.flatMap(({ facts, wave }) => (wave === null ? [] : [[facts.node, wave] as const]));
  const undoes = policy.undoes?.rollout ?? null;
  return JSON.stringify(['lockstep agreement 1', rules, undoes, members.sort(([a], [b]) => (a < b ? -1 : 1))], inOrder);
}

/** As they stand for what the plan is now; undefined where none are needed. */
export function approvalsOf(request: PlanRequest, placed: readonly Placed[]): Approvals | undefined {
  const { policy, parent, nowMs, order, digest = (text) => text } = request;
  if (policy.approvals === null) return undefined;
  const before = parent?.approvals;
  if (before?.begun === true) return before;
  const added = order?.kind === 'approve' ? [{ by: order.by, atMs: nowMs, hash: order.hash }] : [];
  const others = (before?.given ?? [])
    .filter(({ by }) => added.every((each) => each.by !== by))
    // Given by a clock that was put back since, it counts for no longer than one that is given now.
    .map((each) => (each.atMs > nowMs ? { ...each, atMs: nowMs } : each));
  return {
    ...policy.approvals,
    hash: digest(agreement(policy, placed)),
    given: [...others, ...added],
    begun: false,
  };
}
