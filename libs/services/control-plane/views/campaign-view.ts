// SPDX-License-Identifier: GPL-2.0-only
import {
  CampaignStatus,
  type Campaign,
  type CampaignMember,
  type CampaignOrder as WireOrder,
} from '@lockstep/contracts/generated';
import {
  agreementText,
  campaignState,
  lacksApprovals,
  memberKey,
  memberState,
  type CampaignOrder,
  type CampaignState,
  type MemberFacts,
} from '@lockstep/domain/campaign';
import { countThere } from '@lockstep/domain/rollout-planner';
import type { CampaignRecord, CampaignSummary, RolloutRecord } from '@lockstep/io/database';
import { campaignDigest, type GatheredCampaign } from '../campaigns/gather-campaign';
import { approvalsToWire } from './rollout-view';

const statusToWire: Readonly<Record<CampaignState, CampaignStatus>> = {
  preparing: CampaignStatus.CAMPAIGN_STATUS_PREPARING,
  waiting: CampaignStatus.CAMPAIGN_STATUS_WAITING,
  running: CampaignStatus.CAMPAIGN_STATUS_RUNNING,
  paused: CampaignStatus.CAMPAIGN_STATUS_PAUSED,
  halted: CampaignStatus.CAMPAIGN_STATUS_HALTED,
  succeeded: CampaignStatus.CAMPAIGN_STATUS_SUCCEEDED,
  aborted: CampaignStatus.CAMPAIGN_STATUS_ABORTED,
};

/** Why it is in trouble, or what it waits for, with what to type. */
function messageOf(member: MemberFacts): string {
  const { build, problem, rollout } = member;
  switch (memberState(member)) {
    case 'building':
      return build.kind === 'working' ? `Its module is being built: lockstep build watch ${build.id}` : '';
    case 'build-failed':
      return build.kind === 'failed' ? `${build.message} lockstep build show ${build.id}` : '';
    case 'refused':
      return problem?.message ?? '';
    case 'held':
      return lacksApprovals(member)
        ? `Its plan waits for approvals: ${rollout?.approvals?.given ?? 0} of ${rollout?.approvals?.needed ?? 0}.`
        : 'Its rollout is planned, and waits for its turn.';
    case 'halted':
      return `It has halted: lockstep rollout show ${rollout?.id ?? ''}`;
    case 'to-build':
    case 'to-order':
    case 'ordered':
    case 'running':
    case 'paused':
    case 'succeeded':
    case 'aborted':
    case 'superseded':
      return '';
  }
}

function memberToWire(member: MemberFacts, rollout: RolloutRecord | undefined): CampaignMember {
  const { cluster, kernelBuild, build, seq } = member;
  return {
    ...{ cluster, kernelBuildId: kernelBuild, state: memberState(member), message: messageOf(member) },
    buildId: build.kind === 'none' ? '' : build.id,
    seq: seq ?? 0,
    rolloutId: rollout?.id ?? '',
    nodeCount: rollout?.plan.nodes.length ?? 0,
    nodesThere: rollout === undefined ? 0 : countThere(rollout.plan),
    approvals: rollout === undefined ? undefined : approvalsToWire(rollout.plan),
  };
}

const orderToWire = (order: CampaignOrder): WireOrder => ({
  ...{ kind: order.kind, reason: order.reason, givenAt: new Date(order.atMs), givenBy: order.by },
  despite: order.kind === 'resume' ? [...order.despite] : [],
});

/** As it is listed. */
export const campaignSummaryToWire = (campaign: CampaignSummary): Campaign => ({
  ...{ id: campaign.id, patchName: campaign.patchName, patchId: campaign.patch, author: campaign.author },
  status: statusToWire[campaign.state],
  ...{ startedAt: campaign.startedAt, endedAt: campaign.endedAt ?? undefined, members: [], orders: [], planHash: '' },
  membersAtOnce: campaign.policy.membersAtOnce,
  goesOnAfterHalt: campaign.policy.goesOnAfterHalt,
});

/** @param gathered of its members; its orders are the record's, which may be newer */
export function campaignToWire(campaign: CampaignRecord, { facts, rollouts }: GatheredCampaign): Campaign {
  const now = { ...facts, orders: campaign.orders };
  const agreement = agreementText(now);
  return {
    ...campaignSummaryToWire(campaign),
    status: statusToWire[campaignState(now)],
    members: now.members.map((member) => memberToWire(member, rollouts.get(memberKey(member)))),
    orders: campaign.orders.map(orderToWire),
    planHash: agreement === undefined ? '' : campaignDigest(agreement),
  };
}
