// SPDX-License-Identifier: GPL-2.0-only
import type { Campaign, CampaignMember, UndoneMember } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { TaskContext } from './cli';

async function campaignOf({ campaigns, signal }: TaskContext, id: string): Promise<Campaign> {
  const { campaign } = await campaigns.getCampaign({ id }, { signal });
  if (campaign === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no campaign.');
  return campaign;
}

/** Of the newest first: whoever got it last gives it back first. */
export async function membersToUndo(context: TaskContext, id: string): Promise<CampaignMember[]> {
  return [...(await campaignOf(context, id)).members].reverse();
}

export interface Undoing {
  readonly id: string;
  readonly reason: string;
  readonly supersede: boolean | undefined;
}

/** @param of one member; absent: all */
export async function undoMembers(
  { campaigns, signal }: TaskContext,
  undoing: Undoing,
  of?: Pick<CampaignMember, 'cluster' | 'kernelBuildId'>,
): Promise<UndoneMember[]> {
  const { cluster = '', kernelBuildId = '' } = of ?? {};
  return (await campaigns.rollBackCampaign({ ...undoing, cluster, kernelBuildId }, { signal })).members;
}
