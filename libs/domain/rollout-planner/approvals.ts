// SPDX-License-Identifier: GPL-2.0-only
import type { Placed } from './wave-state';
import type { PlanRequest } from './plan-request';
import type { RolloutPolicy } from './rollout-policy';

/** Whose word a rollout needs before anything begins. */
export interface ApprovalRules {
  /** Distinct people, at least 1. */
  readonly needed: number;
  /** Whose count, as `person:alice`; none: anybody's who may approve. */
  readonly among: readonly string[];
  /** Who asked for the rollout: never one of them. */
  readonly author: string;
  /** For so long an approval counts. */
  readonly validMs: number;
}

/** One word, given to what the plan was then. */
export interface Approval {
  readonly by: string;
  readonly atMs: number;
  /** Of the plan that it was given to: to any other it says nothing. */
  readonly hash: string;
}

/** How a rollout's approvals stand. */
export interface Approvals extends ApprovalRules {
  /** Of the policy and of which node is in which wave: what is agreed to. */
  readonly hash: string;
  readonly given: readonly Approval[];
  /** Something began with them: from then on nobody is asked. */
  readonly begun: boolean;
}

/** What is agreed to, as text: the same as long as it is the same plan. Who comes late is no part of it. */
function agreement(policy: RolloutPolicy, placed: readonly Placed[]): string {
  const rules = Object.entries(policy)
    .filter(([name]) => name !== 'approvals')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const members = placed.flatMap(({ facts, wave }) => (wave === null ? [] : [[facts.node, wave] as const]));
  return JSON.stringify(['lockstep agreement 1', rules, members.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Those that count now: distinct people's, for this very plan, not expired, never the author's. */
export function countApprovals({ given, hash, among, author, validMs }: Approvals, nowMs: number): number {
  const counting = given.filter(
    ({ by, atMs, hash: to }) =>
      to === hash && by !== author && nowMs - atMs < validMs && (among.length === 0 || among.includes(by)),
  );
  return new Set(counting.map(({ by }) => by)).size;
}

/** Nothing may begin yet. */
export const isPending = (approvals: Approvals | undefined, nowMs: number): approvals is Approvals =>
  approvals !== undefined && !approvals.begun && countApprovals(approvals, nowMs) < approvals.needed;

/** As they stand for what the plan is now; undefined where none are needed. */
export function approvalsOf(request: PlanRequest, placed: readonly Placed[]): Approvals | undefined {
  const { policy, parent, nowMs, order, digest = (text) => text } = request;
  if (policy.approvals === null) return undefined;
  const before = parent?.approvals;
  if (before?.begun === true) return before;
  const added = order?.kind === 'approve' ? [{ by: order.by, atMs: nowMs, hash: order.hash }] : [];
  const others = (before?.given ?? []).filter(({ by }) => added.every((each) => each.by !== by));
  return {
    ...policy.approvals,
    hash: digest(agreement(policy, placed)),
    given: [...others, ...added],
    begun: false,
  };
}

export const sameApprovals = (a: Approvals | undefined, b: Approvals | undefined): boolean =>
  a?.hash === b?.hash && a?.begun === b?.begun && a?.given.length === b?.given.length;

/** Why approvals asked for like this could never be given; undefined if they can. */
export function refuseApprovals({ needed, among, author }: ApprovalRules): string | undefined {
  if (!Number.isSafeInteger(needed) || needed < 1 || needed > 20) return 'Ask for 1 to 20 approvals, or for none (0).';
  if (among.length === 0) return undefined;
  const others = new Set(among.filter((name) => name !== author));
  if (others.size >= needed) return undefined;
  const who = others.size === 0 ? 'nobody' : [...others].join(', ');
  const without = among.includes(author) ? `, without ${author}, who asks for it,` : '';
  return `${needed} distinct people are to approve, and${without} there is ${who}: name more, or ask for fewer.`;
}
