// SPDX-License-Identifier: GPL-2.0-only
import type { ApprovalRules } from './approval-rules';

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

export const sameApprovals = (a: Approvals | undefined, b: Approvals | undefined): boolean =>
  a?.hash === b?.hash && a?.begun === b?.begun && a?.given.length === b?.given.length;
