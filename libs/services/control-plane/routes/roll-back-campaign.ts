// SPDX-License-Identifier: GPL-2.0-only
import {
  AbortCampaignRequest,
  CampaignServiceService,
  FleetServiceService,
  RollBackRolloutRequest,
  UndoneMember,
  type RollBackCampaignRequest,
  type RollBackCampaignResponse,
} from '@lockstep/contracts/generated';
import { inCluster, installation } from '@lockstep/domain/access';
import type { MemberFacts } from '@lockstep/domain/campaign';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { gatherCampaign, type CampaignGatherer } from '../campaigns/gather-campaign';
import type { CallContext } from '../grpc/call-route';
import { partOfCall } from '../grpc/part-of-call';
import type { Uses } from '../services';
import { abortCampaign, insistEverywhere } from './campaigns';
import { rollBackRollout, type RollbackUses } from './roll-back-rollout';

type Needs = Uses<CampaignGatherer | RollbackUses | 'db.campaigns' | 'changes'>;

/** Nobody of it begins any more, and none of its rollouts goes on: before that what is taken back would be brought again. */
async function end(services: Needs, { id, reason }: RollBackCampaignRequest, context: CallContext): Promise<void> {
  const { db, changes } = services;
  const read = () => db.campaigns.require(id);
  const { endedAt, clusters } = await read();
  if (endedAt !== null) return;
  const [only] = clusters;
  const resource = only !== undefined && clusters.length === 1 ? inCluster(only) : installation;
  const request = AbortCampaignRequest.fromPartial({ id, reason });
  const part = partOfCall(context, CampaignServiceService.abortCampaign, request, resource);
  await abortCampaign(services, request, part);
  const hasEnded = (campaign: Awaited<ReturnType<typeof read>>): boolean => campaign.endedAt !== null;
  for await (const campaign of changes.watch(`campaign:${id}`, read, hasEnded, context.signal)) {
    if (hasEnded(campaign)) return;
  }
}

/** What cannot be undone in one cluster is said, and keeps no other one from it. */
async function undo(
  services: Needs,
  { cluster, kernelBuild, seq, rollout }: MemberFacts,
  supersede: boolean | undefined,
  context: CallContext,
): Promise<UndoneMember> {
  const place = { cluster, kernelBuildId: kernelBuild };
  if (rollout === null) return UndoneMember.fromPartial({ ...place, outcome: 'never-begun', seq: seq ?? 0 });
  const there = await services.db.rollouts.undoing(rollout.id);
  if (there !== undefined) return UndoneMember.fromPartial({ ...place, outcome: 'there', rolloutId: there });
  const request = RollBackRolloutRequest.fromPartial({ id: rollout.id, supersede });
  const part = partOfCall(context, FleetServiceService.rollBackRollout, request, inCluster(cluster));
  try {
    const { rollout: begun, entries } = await rollBackRollout(services, request, part);
    return UndoneMember.fromPartial({ ...place, outcome: 'begun', rolloutId: begun?.id ?? '', entries });
  } catch (error) {
    if (!(error instanceof LockstepError) || error.kind !== 'refused') throw error;
    const { reason, message } = error;
    return UndoneMember.fromPartial({ ...place, outcome: 'refused', problem: { reason, message } });
  }
}

/**
 * Ends a campaign, where that has not ended, and begins to roll back what it has rolled out: whoever got it last gives it back first.
 * Asked again it does what is not done yet.
 * @throws LockstepError `not-found`; `forbidden`; `unavailable` where something cannot be begun now.
 */
export async function rollBackCampaign(
  services: Needs,
  request: RollBackCampaignRequest,
  context: CallContext,
): Promise<RollBackCampaignResponse> {
  const { cluster, kernelBuildId } = request;
  const known = await services.db.campaigns.require(request.id);
  insistEverywhere(known, context, 'roll-out', 'order');
  await end(services, request, context);
  const { facts } = await gatherCampaign(services, await services.db.campaigns.require(request.id));
  const asked = facts.members
    .toReversed()
    .filter((member) => cluster === '' || member.cluster === cluster)
    .filter((member) => kernelBuildId === '' || member.kernelBuild === kernelBuildId);
  const members: UndoneMember[] = [];
  for (const member of asked) members.push(await undo(services, member, request.supersede, context));
  return { members };
}
