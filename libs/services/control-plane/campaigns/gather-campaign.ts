// SPDX-License-Identifier: GPL-2.0-only
import {
  memberKey,
  type BuildFacts,
  type CampaignFacts,
  type MemberFacts,
  type MemberRollout,
} from '@lockstep/domain/campaign';
import { parseSeq, type KernelBuildId, type PatchId, type Seq } from '@lockstep/domain/livepatch-model';
import { stackAt, type LogEntry } from '@lockstep/domain/load-order';
import { approvalCounts, countApprovals, type RolloutPlan } from '@lockstep/domain/rollout-planner';
import type { BuildRecord, CampaignRecord, GivenOrder, RolloutRecord } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Uses } from '../services';
import { steadyTimeMs } from '../steady-time';
import { currentRollout } from '../views/rollout-view';

/** What gathering a campaign needs. */
export type CampaignGatherer = 'db.builds' | 'db.rollouts' | 'logs' | 'rollouts';

export interface GatheredCampaign {
  readonly facts: CampaignFacts;
  /** By their members' keys. */
  readonly rollouts: ReadonlyMap<string, RolloutRecord>;
}

/** Of what people approve. */
export const campaignDigest = (text: string): string => sha256OfBytes(Buffer.from(text));

/** Begins the reason of every order that a rollout gets by its campaign. */
export const byCampaign = (id: string): string => `campaign ${id}: `;

/** The best that there is: what is built onto a stack is as good as what is built alone. */
export function buildFacts(builds: readonly BuildRecord[], kernelBuild: KernelBuildId): BuildFacts {
  const own = builds.filter((build) => build.kernelBuild === kernelBuild);
  const built = own.find(({ artifact }) => artifact !== null);
  if (built !== undefined) return { kind: 'built', id: built.id };
  const working = own.find(({ endedAt }) => endedAt === null);
  if (working !== undefined) return { kind: 'working', id: working.id };
  const last = own.at(-1);
  if (last === undefined) return { kind: 'none' };
  return { kind: 'failed', id: last.id, message: last.failure?.message ?? 'It was cancelled.' };
}

/** The entry of the stack at the head that loads a patch, of whatever build. */
export function seqOf(entries: readonly LogEntry[], patch: PatchId): Seq | null {
  const stack = stackAt(entries, parseSeq(entries.length));
  return stack.find(({ body }) => body.artifact.patch === patch)?.seq ?? null;
}

/** @param nowMs by the clock that rollouts go by */
function approvalsOf(
  { approvals }: RolloutPlan,
  orders: readonly GivenOrder[],
  nowMs: number,
): MemberRollout['approvals'] {
  if (approvals === undefined) return null;
  const { hash, needed, among, validMs, begun, given } = approvals;
  return {
    ...{ hash, needed, among, validMs, begun, given: countApprovals(approvals, nowMs) },
    by: given.filter((each) => approvalCounts(each, approvals, nowMs)).map(({ by }) => by),
    told: orders.flatMap((order) =>
      order.kind === 'approve' && order.hash === hash ? [{ by: order.by, atMs: order.givenAt.getTime() }] : [],
    ),
  };
}

function memberRollout(campaign: string, { id, status, plan, orders }: RolloutRecord, nowMs: number): MemberRollout {
  return {
    id,
    status: status === 'superseded' ? status : plan.status,
    approvals: approvalsOf(plan, orders, nowMs),
    words: orders.flatMap(({ kind, reason, givenAt }) =>
      kind === 'pause' || kind === 'resume'
        ? [{ kind, atMs: givenAt.getTime(), ofCampaign: reason.startsWith(byCampaign(campaign)) }]
        : [],
    ),
  };
}

/** All that is known of a campaign's members, as it is now. */
export async function gatherCampaign(
  services: Uses<CampaignGatherer>,
  { id, patch, policy, members, orders }: CampaignRecord,
): Promise<GatheredCampaign> {
  const { db, logs } = services;
  const nowMs = Date.now();
  const builds = await db.builds.ofPatch(patch);
  const newest = new Map((await db.rollouts.ofCampaign(id)).toReversed().map((row) => [memberKey(row), row.id]));
  const rollouts = new Map<string, RolloutRecord>();
  const gathered: MemberFacts[] = [];
  for (const { cluster, kernelBuild, problem } of members) {
    const key = memberKey({ cluster, kernelBuild });
    const rolloutId = newest.get(key);
    const rollout = rolloutId === undefined ? undefined : await currentRollout(services, rolloutId);
    if (rollout !== undefined) rollouts.set(key, rollout);
    gathered.push({
      ...{ cluster, kernelBuild, problem, build: buildFacts(builds, kernelBuild) },
      seq: seqOf(await logs.entries({ cluster, kernelBuild }), patch),
      rollout: rollout === undefined ? null : memberRollout(id, rollout, steadyTimeMs()),
    });
  }
  return { facts: { nowMs, policy, members: gathered, orders }, rollouts };
}
