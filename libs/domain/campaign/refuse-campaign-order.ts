// SPDX-License-Identifier: GPL-2.0-only
import { memberKey, type CampaignFacts, type CampaignOrder } from './campaign';
import { countsIn, isApprovalOf, isUntold, type MemberApprovals } from './campaign-approvals';
import {
  agreementText,
  campaignState,
  isInTrouble,
  memberState,
  standingOrder,
  troublesOf,
  type CampaignState,
} from './campaign-state';

/** An order that somebody wants to give. */
export type WantedOrder = Omit<CampaignOrder, 'atMs' | 'despite'> & { readonly hash?: string };

export type CampaignRefusal =
  | { readonly reason: 'campaign-ended'; readonly state: CampaignState }
  | { readonly reason: 'paused-already' }
  | { readonly reason: 'not-stopped' }
  | { readonly reason: 'reason-needed'; readonly members: readonly string[] }
  | { readonly reason: 'not-planned-yet' }
  | { readonly reason: 'no-approval-needed' }
  | { readonly reason: 'own-approval'; readonly by: string }
  | { readonly reason: 'not-an-approver'; readonly by: string }
  | { readonly reason: 'approved-already'; readonly by: string }
  | { readonly reason: 'other-plan'; readonly hash: string };

function refuseApproval(
  { by, hash: named }: WantedOrder,
  facts: CampaignFacts,
  { author, digest }: OrderSetting,
): CampaignRefusal | undefined {
  const text = agreementText(facts);
  if (text === undefined) return { reason: 'not-planned-yet' };
  const asking = facts.members.flatMap(({ rollout }): MemberApprovals[] =>
    rollout?.approvals == null || rollout.approvals.begun ? [] : [rollout.approvals],
  );
  if (asking.length === 0) return { reason: 'no-approval-needed' };
  if (by === author) return { reason: 'own-approval', by };
  const counting = asking.filter((approvals) => countsIn(approvals, by));
  if (counting.length === 0) return { reason: 'not-an-approver', by };
  const hash = digest(text);
  if (named !== hash) return { reason: 'other-plan', hash };
  const own = facts.orders.filter((order) => order.by === by && isApprovalOf(order, hash));
  const hasApproved = (approvals: MemberApprovals): boolean =>
    approvals.by.includes(by) || own.some((order) => isUntold(order, approvals, facts.nowMs));
  return counting.every(hasApproved) ? { reason: 'approved-already', by } : undefined;
}

export interface OrderSetting {
  /** Who began the campaign: never one of those who approve it. */
  readonly author: string;
  readonly digest: (text: string) => string;
}

/** Why an order makes no sense to a campaign as it is. */
export function refuseCampaignOrder(
  order: WantedOrder,
  facts: CampaignFacts,
  setting: OrderSetting,
): CampaignRefusal | undefined {
  const state = campaignState(facts);
  if (state === 'succeeded' || state === 'aborted') return { reason: 'campaign-ended', state };
  const isPaused = standingOrder(facts.orders)?.kind === 'pause';
  switch (order.kind) {
    case 'pause':
      return isPaused ? { reason: 'paused-already' } : undefined;
    case 'resume': {
      const members = troublesOf(facts).map(memberKey);
      if (members.length > 0) return order.reason === '' ? { reason: 'reason-needed', members } : undefined;
      // One that somebody has gone on despite may be tried again.
      const hasTrouble = facts.members.some((member) => isInTrouble(memberState(member)));
      return isPaused || hasTrouble ? undefined : { reason: 'not-stopped' };
    }
    case 'abort':
      return undefined;
    case 'approve':
      return refuseApproval(order, facts, setting);
  }
}

/** Says it in words, with what to type next. */
export function explainCampaignRefusal(refusal: CampaignRefusal, id: string): string {
  switch (refusal.reason) {
    case 'campaign-ended':
      return `Campaign ${id} has ${refusal.state}: start another with \`lockstep campaign start\`.`;
    case 'paused-already':
      return `Campaign ${id} is paused already: \`lockstep campaign show ${id}\` says by whom.`;
    case 'not-stopped':
      return `Campaign ${id} is neither paused nor halted: there is nothing to resume.`;
    case 'reason-needed':
      return `${refusal.members.join(', ')} of campaign ${id} is in trouble: say why the others may go on despite it, \`lockstep campaign resume ${id} --reason TEXT\`.`;
    case 'not-planned-yet':
      return `Campaign ${id} is not planned yet: its modules are being built, \`lockstep campaign watch ${id}\` shows it.`;
    case 'no-approval-needed':
      return `Campaign ${id} waits for nobody's approval: \`lockstep campaign show ${id}\` says what it waits for.`;
    case 'own-approval':
      return `${refusal.by} asked for campaign ${id}, and nobody approves what they ask for themselves: let somebody else.`;
    case 'not-an-approver':
      return `${refusal.by} is none of those whose approval counts in the clusters of campaign ${id}.`;
    case 'approved-already':
      return `${refusal.by} has approved this plan of campaign ${id} already: it takes other people.`;
    case 'other-plan':
      return `What is planned is another plan now: look with \`lockstep campaign show ${id}\`, then approve it by --plan ${refusal.hash}.`;
  }
}
