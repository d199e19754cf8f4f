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
  /** Something began with them, or it is done: from then on nobody is asked. */
  readonly begun: boolean;
}

/** For this very plan, never the author's, and not expired before something began with it. */
export const counts = (
  { by, atMs, hash: to }: Approval,
  { hash, among, author, validMs, begun }: Approvals,
  nowMs: number,
): boolean =>
  to === hash && by !== author && (begun || nowMs - atMs < validMs) && (among.length === 0 || among.includes(by));

/** Distinct people, whose approvals count now. */
export function countApprovals(approvals: Approvals, nowMs: number): number {
  const counting = approvals.given.filter((each) => counts(each, approvals, nowMs));
  return new Set(counting.map(({ by }) => by)).size;
}

/** Nothing may begin yet. */
export const isPending = (approvals: Approvals | undefined, nowMs: number): approvals is Approvals =>
  approvals !== undefined && !approvals.begun && countApprovals(approvals, nowMs) < approvals.needed;

export const sameApprovals = (a: Approvals | undefined, b: Approvals | undefined): boolean =>
  a?.hash === b?.hash &&
  a?.begun === b?.begun &&
  a?.given.length === b?.given.length &&
  (a?.given.every(({ atMs }, index) => atMs === b?.given[index]?.atMs) ?? true);
