// SPDX-License-Identifier: GPL-2.0-only
import {
  Campaign,
  type AbortCampaignRequest,
  type ApproveCampaignRequest,
  type GetCampaignRequest,
  type GetCampaignResponse,
  type ListCampaignsRequest,
  type ListCampaignsResponse,
  type PauseCampaignRequest,
  type ResumeCampaignRequest,
  type StartCampaignRequest,
  type StartCampaignResponse,
  type WatchCampaignRequest,
  type WatchCampaignResponse,
} from '@lockstep/contracts/generated';
import { masked } from '@lockstep/contracts/wire';
import { inCluster, insistMay, subjectOf, type Verb } from '@lockstep/domain/access';
import {
  explainCampaignRefusal,
  isInTrouble,
  memberKey,
  memberState,
  refuseCampaignOrder,
  type WantedOrder,
} from '@lockstep/domain/campaign';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { CampaignRecord, CampaignSummary } from '@lockstep/io/database';
import { campaignDigest, gatherCampaign, type CampaignGatherer } from '../campaigns/gather-campaign';
import type { CallContext } from '../grpc/call-route';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { campaignSummaryToWire, campaignToWire } from '../views/campaign-view';
import { personOf } from './approve-rollout';
import { askedReason } from './asked-reason';
import { visibleTo } from './chosen-nodes';
import { numberKey, onePage } from './page';
import { askedCampaign, plannedCampaign, type CampaignPlanner } from './plan-campaign';

interface CampaignAnswer {
  readonly campaign: Campaign | undefined;
}

/** Of several clusters, in each of them. @throws LockstepError `forbidden` `not-allowed` */
export function insistEverywhere(
  { clusters }: CampaignSummary,
  { caller }: Pick<CallContext, 'caller'>,
  ...verbs: Verb[]
): void {
  for (const verb of verbs) for (const cluster of clusters) insistMay(caller.identity, verb, inCluster(cluster));
}

/** What is in the way now is said now, and not when half of it is done. */
function insistUnobstructed(
  members: readonly { readonly cluster: string; readonly problem?: { readonly message: string } | undefined }[],
): void {
  const obstructed = members.filter(({ problem }) => problem !== undefined);
  if (obstructed.length === 0) return;
  const all = obstructed.map(({ cluster, problem }) => `${cluster}: ${problem?.message ?? ''}`).join(' ');
  throw new LockstepError('refused', 'members-refused', `It cannot begin in all of its clusters. ${all}`, {
    clusters: obstructed.map(({ cluster }) => cluster),
  });
}

/** @throws LockstepError as `askedCampaign`; `refused` `members-refused`, `plan-changed` */
export async function startCampaign(
  services: Uses<CampaignPlanner | 'db.campaigns' | 'changes'>,
  request: StartCampaignRequest,
  context: KeepingContext<StartCampaignResponse>,
): Promise<StartCampaignResponse> {
  const { db, changes } = services;
  const { caller, kept } = context;
  const asked = await askedCampaign(services, request, context, 'roll-out');
  for (const { cluster } of asked.members) insistMay(caller.identity, 'order', inCluster(cluster));
  const { hash, members: planned } = await plannedCampaign(services, asked, context);
  if (request.planHash !== '' && request.planHash !== hash) {
    const message = 'What was planned is not what would happen now: look again with `lockstep campaign plan`.';
    throw new LockstepError('refused', 'plan-changed', message, { plan: request.planHash, now: hash });
  }
  insistUnobstructed(planned);
  const { patch, rules, policy, members } = asked;
  const author = subjectOf(caller.identity);
  const answer = (campaign: CampaignRecord): StartCampaignResponse => {
    const nothing = { build: { kind: 'none' }, seq: null, rollout: null } as const;
    const facts = members.map((log) => ({ ...log, ...nothing, problem: null }));
    const gathered = { facts: { nowMs: 0, policy, members: facts, orders: [] }, rollouts: new Map() };
    return { campaign: campaignToWire(campaign, gathered) };
  };
  const campaign = await db.campaigns.start({ patch: patch.id, rules, policy, author, members }, kept(answer));
  changes.notify(`campaign:${campaign.id}`);
  return answer(campaign);
}

type Reader = CampaignGatherer | 'db.campaigns';

async function readCampaign(services: Uses<Reader>, id: string, context: CallContext): Promise<Campaign> {
  const campaign = await services.db.campaigns.require(id);
  insistEverywhere(campaign, context, 'look');
  return campaignToWire(campaign, await gatherCampaign(services, campaign));
}

export const getCampaign = async (
  services: Uses<Reader>,
  { id }: GetCampaignRequest,
  context: CallContext,
): Promise<GetCampaignResponse> => ({ campaign: await readCampaign(services, id, context) });

export async function* watchCampaign(
  services: Uses<Reader | 'changes'>,
  { id }: WatchCampaignRequest,
  context: CallContext,
): AsyncGenerator<WatchCampaignResponse> {
  const read = () => readCampaign(services, id, context);
  const hasEnded = ({ endedAt }: Campaign) => endedAt !== undefined;
  for await (const campaign of services.changes.watch(`campaign:${id}`, read, hasEnded, context.signal)) {
    yield { campaign };
  }
}

export async function listCampaigns(
  { db }: Uses<'db.campaigns'>,
  request: ListCampaignsRequest,
  context: CallContext,
): Promise<ListCampaignsResponse> {
  const isVisible = visibleTo(context);
  const page = await onePage(request, numberKey<CampaignSummary>(), (range) => db.campaigns.page(range));
  const campaigns = page.items.filter(({ clusters }) => clusters.every(isVisible)).map(campaignSummaryToWire);
  return { campaigns: masked(Campaign, campaigns, request.readMask), nextPageToken: page.nextPageToken };
}

/** @throws LockstepError `refused` where it makes no sense to the campaign as it is; `forbidden` */
async function giveOrder(
  services: Uses<Reader | 'changes'>,
  id: string,
  verb: Verb,
  asked: WantedOrder,
  context: KeepingContext<CampaignAnswer>,
): Promise<CampaignAnswer> {
  const { db, changes } = services;
  const campaign = await db.campaigns.require(id);
  insistEverywhere(campaign, context, verb);
  const wanted = { ...asked, reason: askedReason(asked.reason) };
  const gathered = await gatherCampaign(services, campaign);
  const { facts } = gathered;
  const refusal = refuseCampaignOrder(wanted, facts, { author: campaign.author, digest: campaignDigest });
  if (refusal !== undefined) {
    throw new LockstepError('refused', refusal.reason, explainCampaignRefusal(refusal, id), { campaign: id });
  }
  const { kind, by, reason, hash = '' } = wanted;
  const common = { by, reason };
  const despite = facts.members.filter((member) => isInTrouble(memberState(member))).map(memberKey);
  const order =
    kind === 'approve'
      ? { ...common, kind, hash }
      : kind === 'resume'
        ? { ...common, kind, despite }
        : { ...common, kind };
  const answer = (now: CampaignRecord): CampaignAnswer => ({ campaign: campaignToWire(now, gathered) });
  const ordered = await db.campaigns.order(id, order, context.kept(answer));
  changes.notify(`campaign:${id}`);
  return answer(ordered);
}

type Orderer = Uses<Reader | 'changes'>;
type Ordering = KeepingContext<CampaignAnswer>;

const callerOf = ({ caller }: Pick<CallContext, 'caller'>): string => subjectOf(caller.identity);

export const pauseCampaign = (services: Orderer, { id, reason }: PauseCampaignRequest, context: Ordering) =>
  giveOrder(services, id, 'roll-out', { kind: 'pause', reason, by: callerOf(context) }, context);

export const resumeCampaign = (services: Orderer, { id, reason }: ResumeCampaignRequest, context: Ordering) =>
  giveOrder(services, id, 'roll-out', { kind: 'resume', reason, by: callerOf(context) }, context);

export const abortCampaign = (services: Orderer, { id, reason }: AbortCampaignRequest, context: Ordering) =>
  giveOrder(services, id, 'roll-out', { kind: 'abort', reason, by: callerOf(context) }, context);

export const approveCampaign = (
  services: Orderer,
  { id, planHash: hash, reason }: ApproveCampaignRequest,
  context: Ordering,
) => giveOrder(services, id, 'approve', { kind: 'approve', reason, by: personOf(context), hash }, context);
