// SPDX-License-Identifier: GPL-2.0-only
import type { CampaignOrder, MemberRollout } from './campaign';

export type MemberApprovals = NonNullable<MemberRollout['approvals']>;

/** Whether that person's word counts for a member. */
export const countsIn = ({ among }: MemberApprovals, by: string): boolean => among.length === 0 || among.includes(by);

export const isApprovalOf = (order: CampaignOrder, hash: string): boolean =>
  order.kind === 'approve' && order.hash === hash;

/**
 * Whether a member has still to be told of it, now. Not where that person's word counts as it is, nor of one that has expired
 * meanwhile: each counts for its time and no longer, and then it takes another word.
 */
export function isUntold({ by, atMs }: CampaignOrder, approvals: MemberApprovals, nowMs: number): boolean {
  const { told, validMs } = approvals;
  if (approvals.by.includes(by) || nowMs - atMs >= validMs) return false;
  return told.every((each) => each.by !== by || each.atMs < atMs);
}
