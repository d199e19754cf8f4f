// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import type { CampaignOrder, CampaignPolicy, CampaignState } from '@lockstep/domain/campaign';
import { LockstepError, type ClusterName, type KernelBuildId, type PatchId } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import type { RolloutRules } from '@lockstep/domain/rollout-planner';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import { Prisma } from './generated/client';
import { insistOnLease, type Fence } from './replicas';
import { isRowId } from './row-id';
import type { PageRange } from './row-key';

/** A campaign in a list. */
export interface CampaignSummary {
  readonly id: string;
  /** They are numbered as they were started. */
  readonly number: number;
  readonly patch: PatchId;
  readonly patchName: string;
  readonly policy: CampaignPolicy;
  readonly author: string;
  /** As it was looked at last. */
  readonly state: CampaignState;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly clusters: readonly ClusterName[];
}

export interface CampaignMemberRecord extends LogName {
  /** Why it could not be ordered, or begun, when that was tried last. */
  readonly problem: { readonly reason: string; readonly message: string } | null;
}

export interface CampaignRecord extends CampaignSummary {
  /** How its rollouts go. Whose word they need is decided where each is begun. */
  readonly rules: RolloutRules;
  /** In the order in which they get their turn. */
  readonly members: readonly CampaignMemberRecord[];
  /** In the order in which they were given. */
  readonly orders: readonly CampaignOrder[];
}

export interface NewCampaign {
  readonly patch: PatchId;
  readonly rules: RolloutRules;
  readonly policy: CampaignPolicy;
  readonly author: string;
  readonly members: readonly LogName[];
}

type WithoutTime<Order> = Order extends unknown ? Omit<Order, 'atMs'> : never;
/** An order that is given now. */
export type NewCampaignOrder = WithoutTime<CampaignOrder>;

export interface CampaignStore {
  start(campaign: NewCampaign, call?: KeptCall<CampaignRecord>): Promise<CampaignRecord>;
  /** @throws LockstepError `not-found` `unknown-campaign`. */
  require(id: string): Promise<CampaignRecord>;
  /** None: there is no such campaign. */
  clustersOf(id: string): Promise<ClusterName[]>;
  /** The newest first, from the one with the next smaller number on. */
  page(range: PageRange<number>): Promise<CampaignSummary[]>;
  /** Ids of those that have not ended. */
  unended(): Promise<string[]>;
  /** Of a resume: what could not be done is tried again. */
  order(id: string, order: NewCampaignOrder, call?: KeptCall<CampaignRecord>): Promise<CampaignRecord>;
  /** @throws LockstepError `unavailable` `lease-lost` when another control plane decides by now. */
  noteProblem(
    id: string,
    member: LogName,
    problem: NonNullable<CampaignMemberRecord['problem']>,
    fence?: Fence,
  ): Promise<void>;
  noteState(id: string, state: CampaignState, hasEnded: boolean): Promise<void>;
}

const include = {
  patch: { select: { name: true } },
  members: { orderBy: { place: 'asc' } },
  orders: { orderBy: { number: 'asc' } },
} as const satisfies Prisma.CampaignInclude;
type Row = Prisma.CampaignGetPayload<{ include: typeof include }>;
type SummaryRow = Omit<Row, 'orders'>;

function orderFromRow({ kind, reason, hash, despite, givenAt, givenBy }: Row['orders'][number]): CampaignOrder {
  const common = { reason, by: givenBy, atMs: givenAt.getTime() };
  switch (kind) {
    case 'approve':
      return { ...common, kind, hash };
    case 'resume':
      return { ...common, kind, despite };
    case 'pause':
    case 'abort':
      return { ...common, kind };
  }
}

const summaryFromRow = ({ id, number, author, startedAt, endedAt, ...row }: SummaryRow): CampaignSummary => ({
  ...{ id, number, author, startedAt, endedAt, patch: row.patchId as PatchId, patchName: row.patch.name },
  policy: row.policy as unknown as CampaignPolicy,
  state: row.state as CampaignState,
  clusters: [...new Set(row.members.map(({ clusterName }) => clusterName as ClusterName))],
});

const fromRow = (row: Row): CampaignRecord => ({
  ...summaryFromRow(row),
  rules: row.rules as unknown as RolloutRules,
  members: row.members.map(({ clusterName, kernelBuildId, problemReason: reason, problemMessage: message }) => ({
    ...{ cluster: clusterName as ClusterName, kernelBuild: kernelBuildId as KernelBuildId },
    problem: reason === '' ? null : { reason, message },
  })),
  orders: row.orders.map(orderFromRow),
});

const json = (value: object): Prisma.InputJsonObject => value;

async function insert(tx: Transaction, campaign: NewCampaign): Promise<CampaignRecord> {
  const { patch: patchId, rules, policy, author, members } = campaign;
  const data = { id: randomUUID(), patchId, rules: json(rules), policy: json(policy), author };
  const create = members.map(({ cluster: clusterName, kernelBuild: kernelBuildId }, place) => ({
    ...{ place, clusterName, kernelBuildId },
  }));
  return fromRow(await tx.campaign.create({ data: { ...data, members: { create } }, include }));
}

async function insertOrder(tx: Transaction, id: string, order: NewCampaignOrder): Promise<CampaignRecord> {
  const { kind, reason, by: givenBy } = order;
  const hash = order.kind === 'approve' ? order.hash : '';
  const despite = order.kind === 'resume' ? [...order.despite] : [];
  await tx.campaignOrder.create({ data: { campaignId: id, kind, reason, hash, despite, givenBy } });
  if (kind === 'resume') {
    await tx.campaignMember.updateMany({
      where: { campaignId: id },
      data: { problemReason: '', problemMessage: '' },
    });
  }
  return fromRow(await tx.campaign.findUniqueOrThrow({ where: { id }, include }));
}

export function campaignStore(db: Client): CampaignStore {
  return {
    start: (campaign, call) => serialisable(db, (tx) => once(tx, call, () => insert(tx, campaign))),
    async require(id) {
      const row = isRowId(id) ? await db.campaign.findUnique({ where: { id }, include }) : null;
      if (row !== null) return fromRow(row);
      const message = `There is no campaign "${id}": \`lockstep campaign ls\` lists them.`;
      throw new LockstepError('not-found', 'unknown-campaign', message, { campaign: id });
    },
    async clustersOf(campaignId) {
      if (!isRowId(campaignId)) return [];
      const rows = await db.campaignMember.findMany({ where: { campaignId }, select: { clusterName: true } });
      return [...new Set(rows.map(({ clusterName }) => clusterName as ClusterName))];
    },
    async page({ after, limit }) {
      const where = after === undefined ? {} : { number: { lt: after } };
      const { patch, members } = include;
      const rows = await db.campaign.findMany({
        where,
        include: { patch, members },
        orderBy: { number: 'desc' },
        take: limit,
      });
      return rows.map(summaryFromRow);
    },
    async unended() {
      const rows = await db.campaign.findMany({
        where: { endedAt: null },
        select: { id: true },
        orderBy: { number: 'asc' },
      });
      return rows.map(({ id }) => id);
    },
    order: (id, order, call) => serialisable(db, (tx) => once(tx, call, () => insertOrder(tx, id, order))),
    noteProblem: (id, { cluster, kernelBuild }, { reason, message }, fence) =>
      serialisable(db, async (tx) => {
        await insistOnLease(tx, fence);
        await tx.campaignMember.updateMany({
          where: { campaignId: id, clusterName: cluster, kernelBuildId: kernelBuild },
          data: { problemReason: reason, problemMessage: message },
        });
      }),
    async noteState(id, state, hasEnded) {
      await db.campaign.update({ where: { id }, data: { state, ...(hasEnded ? { endedAt: new Date() } : {}) } });
    },
  };
}
