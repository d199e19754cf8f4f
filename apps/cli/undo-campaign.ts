// SPDX-License-Identifier: GPL-2.0-only
import {
  CampaignStatus,
  RollBackRolloutRequest,
  RolloutStatus,
  type Campaign,
  type CampaignMember,
  type LogEntry,
  type Rollout,
} from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { listAll } from '@lockstep/io/rpc-client';
import type { TaskContext } from './cli';

/** What became of one member. */
export type UndoneMember = Pick<CampaignMember, 'cluster' | 'kernelBuildId'> &
  (
    | { readonly kind: 'begun'; readonly rollout: Rollout; readonly entries: readonly LogEntry[] }
    /** It was begun by who asked before. */
    | { readonly kind: 'there'; readonly rollout: Rollout }
    /** Nothing was rolled out there; an entry may wait for the next rollout. */
    | { readonly kind: 'never-begun'; readonly seq: number }
    | { readonly kind: 'refused'; readonly message: string }
  );

const hasEnded = ({ status }: Campaign): boolean =>
  status === CampaignStatus.CAMPAIGN_STATUS_SUCCEEDED || status === CampaignStatus.CAMPAIGN_STATUS_ABORTED;

async function campaignOf({ campaigns, signal }: TaskContext, id: string): Promise<Campaign> {
  const { campaign } = await campaigns.getCampaign({ id }, { signal });
  if (campaign === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no campaign.');
  return campaign;
}

/** Of the newest first: whoever got it last gives it back first. */
export async function membersToUndo(context: TaskContext, id: string): Promise<CampaignMember[]> {
  return [...(await campaignOf(context, id)).members].reverse();
}

/** Nobody of it begins any more, and none of its rollouts goes on. */
export async function endCampaign(context: TaskContext, id: string, reason: string): Promise<void> {
  const { campaigns, signal } = context;
  if (hasEnded(await campaignOf(context, id))) return;
  await campaigns.abortCampaign({ id, reason }, { signal });
  // Its end is told when every rollout of it has been told.
  for await (const { campaign } of campaigns.watchCampaign({ id }, { signal })) {
    if (campaign !== undefined && campaign.endedAt !== undefined) return;
  }
}

const isOver: ReadonlySet<RolloutStatus> = new Set([
  RolloutStatus.ROLLOUT_STATUS_ABORTED,
  RolloutStatus.ROLLOUT_STATUS_SUPERSEDED,
]);

/** One that rolls this one back, and goes on or has succeeded. */
async function undoingOf({ fleet, signal }: TaskContext, member: CampaignMember): Promise<Rollout | undefined> {
  const asked = { cluster: member.cluster, kernelBuildId: member.kernelBuildId, status: undefined };
  const rollouts = await listAll(fleet.listRollouts, asked, (answer) => answer.rollouts, { signal });
  return rollouts.find(({ rollsBack, status }) => rollsBack === member.rolloutId && !isOver.has(status));
}

/** What cannot be undone in one cluster keeps no other one from it. @param supersede another rollout of that load order */
export async function undoMember(
  context: TaskContext,
  member: CampaignMember,
  supersede: boolean,
): Promise<UndoneMember> {
  const { cluster, kernelBuildId, rolloutId, seq } = member;
  const place = { cluster, kernelBuildId };
  if (rolloutId === '') return { ...place, kind: 'never-begun', seq };
  const there = await undoingOf(context, member);
  if (there !== undefined) return { ...place, kind: 'there', rollout: there };
  const request = RollBackRolloutRequest.fromPartial({ id: rolloutId, supersede });
  try {
    const { rollout, entries } = await context.fleet.rollBackRollout(request, { signal: context.signal });
    if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
    return { ...place, kind: 'begun', rollout, entries };
  } catch (error) {
    if (!(error instanceof LockstepError) || error.kind !== 'refused') throw error;
    return { ...place, kind: 'refused', message: error.message };
  }
}
