// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import {
  LockstepError,
  type ClusterName,
  type KernelBuildId,
  type NodeName,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import {
  countThere,
  defaultRules,
  explainRolloutRefusal,
  type RolloutOrder,
  type RolloutPlan,
  type PolicyRules,
  type RolloutPolicy,
  type Confirmation,
} from '@lockstep/domain/rollout-planner';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import { isUniqueViolation } from './database-errors';
import { Prisma, type RolloutStatus } from './generated/client';
import { insertConfirmation, unconfirmedEmergencies, type UnconfirmedRecord } from './emergencies';
import { jsonText } from './json-text';
import { insistOnLease, type Fence } from './replicas';
import { rolloutPage, type RolloutFilter, type RolloutSummary } from './rollout-pages';
import { isRowId } from './row-id';
import type { PageRange } from './row-key';
import { planFromStored } from './stored-plan';

export type { RolloutStatus };

export interface RolloutRecord {
  readonly id: string;
  readonly cluster: ClusterName;
  readonly policy: RolloutPolicy;
  readonly status: RolloutStatus;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  /** The one in force. */
  readonly plan: RolloutPlan;
  /** When whoever decides had looked at it last, by its clock, as far as that is kept. */
  readonly lookedAtMs?: number | undefined;
  /** What operators have said to it, in order. */
  readonly orders: readonly GivenOrder[];
  /** That it was begun for. */
  readonly campaign?: string | undefined;
  /** Of an emergency, a second person's word; absent until it is given. */
  readonly confirmation?: Confirmation | undefined;
}

export type GivenOrder = RolloutOrder & {
  readonly givenAt: Date;
  /** Who gave it; empty of one from before that was kept. */
  readonly givenBy: string;
  /** The plan that it led to. */
  readonly generation: number;
};

interface RolloutRow {
  readonly id: string;
  readonly cluster_name: string;
  readonly kernel_build_id: string;
  readonly to_seq: number;
  readonly rules: PolicyRules;
  readonly status: RolloutStatus;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly plan: unknown;
  readonly planned_at: Date | null;
  readonly looked_at_ms: bigint | null;
  readonly orders: readonly OrderRow[];
  readonly campaign_id: string | null;
  readonly confirmed_by: string | null;
  readonly confirmation: string | null;
  readonly confirmed_at: Date | null;
}

interface OrderRow {
  readonly generation: number;
  readonly kind: RolloutOrder['kind'];
  readonly reason: string;
  readonly nodes: readonly NodeName[];
  readonly given_by: string;
  readonly hash: string;
  readonly given_at: string;
}

/** Rollouts with their newest plan: it alone is read, however many there were. */
async function readRollouts(db: Client | Transaction, which: Prisma.Sql): Promise<RolloutRecord[]> {
  const rows = await db.$queryRaw<RolloutRow[]>`SELECT r.id::text, r.cluster_name, r.kernel_build_id, r.to_seq, r.rules,
      r.status::text, r.started_at, r.ended_at, r.looked_at_ms, plan, planned_at, r.campaign_id::text,
      c.given_by AS confirmed_by, c.reason AS confirmation, c.given_at AS confirmed_at,
      (SELECT coalesce(jsonb_agg(o ORDER BY o.generation), '[]') FROM rollout_orders o WHERE o.rollout_id = r.id) AS orders
    FROM rollouts r LEFT JOIN rollout_confirmations c ON c.rollout_id = r.id LEFT JOIN LATERAL (
      SELECT plan, planned_at FROM rollout_plans WHERE rollout_id = r.id ORDER BY generation DESC LIMIT 1) newest ON true
    ${which}`;
  return rows.map(fromRow);
}

function fromRow(row: RolloutRow): RolloutRecord {
  if (row.planned_at === null) {
    throw new LockstepError('corrupt', 'rollout-without-plan', `Rollout ${row.id} has no plan: restore the database.`);
  }
  return {
    id: row.id,
    cluster: row.cluster_name as ClusterName,
    policy: {
      kernelBuild: row.kernel_build_id as KernelBuildId,
      toSeq: row.to_seq as Seq,
      ...defaultRules,
      ...row.rules,
    },
    status: row.status,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    plan: planFromStored(row.plan, row.planned_at),
    lookedAtMs: row.looked_at_ms === null ? row.planned_at.getTime() : Number(row.looked_at_ms),
    orders: row.orders.map(orderFromRow),
    campaign: row.campaign_id ?? undefined,
    ...confirmationFromRow(row),
  };
}

const confirmationFromRow = ({ confirmed_by: by, confirmation, confirmed_at: at }: RolloutRow) =>
  by === null || at === null ? {} : { confirmation: { by, reason: confirmation ?? '', atMs: at.getTime() } };

function orderFromRow({ given_at, given_by: by, generation, kind, reason, nodes, hash }: OrderRow): GivenOrder {
  const order = { reason, generation, givenAt: new Date(given_at), givenBy: by };
  switch (kind) {
    case 'retry':
      return { ...order, kind, nodes };
    case 'approve':
      return { ...order, kind, by, hash };
    case 'reject':
      return { ...order, kind, by };
    case 'pause':
    case 'resume':
    case 'abort':
      return { ...order, kind };
  }
}

export interface NewRollout {
  readonly cluster: ClusterName;
  readonly policy: RolloutPolicy;
  readonly plan: RolloutPlan;
  /** Those of the same load order that end for it, where they have not; absent: none. */
  readonly supersedes?: 'any' | readonly string[] | undefined;
  /** Of which it is a part: begun paused, it waits for its turn. */
  readonly campaign?: { readonly id: string; readonly pause: RolloutOrder; readonly by: string } | undefined;
}

/** Which rollout was begun for which load order. */
export interface MemberRolloutRow extends LogName {
  readonly id: string;
}

export interface RolloutStore {
  /**
   * Puts the rollout in force; those that it supersedes end, and so does one that had halted.
   * @throws LockstepError `refused` `rollout-running` where another one of the load order has not ended.
   */
  start(rollout: NewRollout, call?: KeptCall<RolloutRecord>): Promise<RolloutRecord>;
  /** @throws LockstepError `not-found` `unknown-rollout`. */
  require(id: string): Promise<RolloutRecord>;
  /** The load order that it is about; undefined: there is no such rollout. */
  logOf(id: string): Promise<LogName | undefined>;
  /** Those that were begun for a campaign, the newest first. */
  ofCampaign(campaign: string): Promise<MemberRolloutRow[]>;
  /** The newest that takes this one back, and goes on or has succeeded. */
  undoing(id: string): Promise<string | undefined>;
  /** The newest first, from the one with the next smaller number on. */
  page(range: PageRange<number>, only?: RolloutFilter): Promise<RolloutSummary[]>;
  /** Of each load order the newest that succeeded, for nodes that come later, and the newest. */
  inForce(cluster?: ClusterName): Promise<RolloutRecord[]>;
  /**
   * Stores a second person's word for an emergency.
   * @throws LockstepError `refused` where it counts for nothing; `not-found` `unknown-rollout`.
   */
  confirm(id: string, word: Omit<Confirmation, 'atMs'>, call?: KeptCall<RolloutRecord>): Promise<RolloutRecord>;
  /** Emergencies that nobody else has confirmed, of all clusters, the oldest first. */
  unconfirmed(): Promise<UnconfirmedRecord[]>;
  /** The largest position any rollout of the load order was for; 0 without one. */
  furthest(log: LogName): Promise<Seq>;
  /** The position of the last one of the same load order that was begun before it and succeeded; 0 without one. */
  succeededBefore(id: string): Promise<Seq>;
  /** That one itself, as it ended; undefined of the first. */
  lastBefore(id: string): Promise<RolloutRecord | undefined>;
  /** What was approved under this hash; undefined where it is not kept. */
  planAgreedTo(id: string, hash: string): Promise<RolloutPlan | undefined>;
  /**
   * Stores the plan that follows the one in force; its status becomes the rollout's. Of a plan that is ten generations
   * older what it decided stays (its status, its moves), and its list of all nodes goes, unless somebody approved it.
   * @param fence of who decides, where there are several.
   * @returns false when another plan was stored first, or the rollout is superseded: gather and plan again.
   * @throws LockstepError `unavailable` `lease-lost` when another control plane decides by now.
   */
  advance(id: string, plan: RolloutPlan, fence?: Fence): Promise<boolean>;
  /** Keeps when whoever decides has looked at these last. */
  noteLooked(ids: readonly string[], atMs: number): Promise<void>;
  /** Stores what an operator has said together with the plan that it leads to. @returns as `advance`, then undefined. */
  order(
    id: string,
    order: RolloutOrder,
    by: string,
    plan: RolloutPlan,
    call?: KeptCall<RolloutRecord>,
  ): Promise<RolloutRecord | undefined>;
}

/** So many plans of a rollout keep their whole list of nodes. */
const wholePlans = 10;

async function insertPlan(tx: Transaction, rolloutId: string, plan: RolloutPlan): Promise<void> {
  const old = plan.generation - wholePlans;
  await tx.$executeRaw`INSERT INTO rollout_plans (rollout_id, generation, plan)
    VALUES (${rolloutId}::uuid, ${plan.generation}, ${jsonText(plan)}::jsonb)`;
  if (old > 0) {
    await tx.$executeRaw`UPDATE rollout_plans SET plan = plan - 'nodes'
      WHERE rollout_id = ${rolloutId}::uuid AND generation = ${old} AND NOT EXISTS (
        SELECT FROM rollout_orders o WHERE o.rollout_id = ${rolloutId}::uuid AND kind = 'approve'
          AND o.generation IN (${old}, ${old + 1}))`;
  }
}

async function insertOrder(
  tx: Transaction,
  rolloutId: string,
  order: RolloutOrder,
  givenBy: string,
  generation: number,
): Promise<void> {
  const { kind, reason } = order;
  const nodes = order.kind === 'retry' ? [...order.nodes] : [];
  const hash = order.kind === 'approve' ? order.hash : '';
  await tx.rolloutOrder.create({ data: { rolloutId, generation, kind, reason, nodes, givenBy, hash } });
}

const endOf = ({ status }: RolloutPlan): Date | null =>
  status === 'running' || status === 'paused' ? null : new Date();

/** @returns false when another plan was stored first, or the rollout is superseded. */
async function follow(tx: Transaction, id: string, plan: RolloutPlan): Promise<boolean> {
  const newest = { select: { generation: true }, orderBy: { generation: 'desc' }, take: 1 } as const;
  const row = await tx.rollout.findUniqueOrThrow({ where: { id }, select: { status: true, plans: newest } });
  if (row.status === 'superseded' || row.plans[0]?.generation !== plan.parent) return false;
  await insertPlan(tx, id, plan);
  const ended = row.status === plan.status ? {} : { status: plan.status, endedAt: endOf(plan) };
  await tx.rollout.update({ where: { id }, data: { ...ended, ...progressOf(plan) } });
  return true;
}

async function requireRollout(db: Client | Transaction, id: string): Promise<RolloutRecord> {
  const [found] = isRowId(id) ? await readRollouts(db, Prisma.sql`WHERE r.id = ${id}::uuid`) : [];
  if (found !== undefined) return found;
  throw new LockstepError('not-found', 'unknown-rollout', `There is no rollout "${id}".`, { rollout: id });
}

/** Takes the transaction back, and with it that the call was done. */
class PlannedMeanwhile extends Error {}

async function readRollout(tx: Transaction, id: string): Promise<RolloutRecord> {
  const [rollout] = await readRollouts(tx, Prisma.sql`WHERE r.id = ${id}::uuid`);
  if (rollout === undefined) throw new Error(`Rollout ${id} was not stored.`);
  return rollout;
}

/** For lists, which read no plan. */
const progressOf = (plan: RolloutPlan) => ({ nodeCount: plan.nodes.length, nodesThere: countThere(plan) });

async function supersede(tx: Transaction, { cluster, policy, supersedes = [] }: NewRollout): Promise<void> {
  const unended = await readRollouts(
    tx,
    Prisma.sql`WHERE cluster_name = ${cluster} AND kernel_build_id = ${policy.kernelBuild}
      AND status IN ('running', 'paused') ORDER BY number`,
  );
  const running = supersedes === 'any' ? undefined : unended.find(({ id }) => !supersedes.includes(id));
  if (running !== undefined) {
    const refusal = { reason: 'rollout-running', running } as const;
    const message = explainRolloutRefusal(refusal, policy);
    throw new LockstepError('refused', refusal.reason, message, { cluster, rollout: running.id });
  }
  const ids = unended.map(({ id }) => id);
  await tx.rollout.updateMany({ where: { id: { in: ids } }, data: { status: 'superseded', endedAt: new Date() } });
  // Nobody resumes these any more: they had ended, unless somebody had looked to it.
  const halted = { clusterName: cluster, kernelBuildId: policy.kernelBuild, status: 'halted' } as const;
  await tx.rollout.updateMany({ where: halted, data: { status: 'superseded' } });
}

async function start(tx: Transaction, rollout: NewRollout): Promise<RolloutRecord> {
  await supersede(tx, rollout);
  const { cluster: clusterName, policy, plan } = rollout;
  const { kernelBuild: kernelBuildId, toSeq, ...rules } = policy;
  const id = randomUUID();
  const state = { status: plan.status, endedAt: endOf(plan), ...progressOf(plan) };
  // The rules are plain data, which their type does not say.
  const data = { id, clusterName, kernelBuildId, toSeq, rules: rules as unknown as Prisma.InputJsonObject, ...state };
  const { campaign } = rollout;
  await tx.rollout.create({ data: { ...data, campaignId: campaign?.id ?? null } });
  await insertPlan(tx, id, plan);
  if (campaign !== undefined) await insertOrder(tx, id, campaign.pause, campaign.by, plan.generation);
  return readRollout(tx, id);
}

const ofCluster = (cluster: ClusterName | undefined): Prisma.Sql =>
  cluster === undefined ? Prisma.sql`true` : Prisma.sql`cluster_name = ${cluster}`;

export function rolloutStore(db: Client): RolloutStore {
  return {
    start: (rollout, call) => serialisable(db, (tx) => once(tx, call, () => start(tx, rollout))),
    require: (id) => requireRollout(db, id),
    async logOf(id) {
      const select = { clusterName: true, kernelBuildId: true } as const;
      const row = isRowId(id) ? await db.rollout.findUnique({ where: { id }, select }) : null;
      if (row === null) return undefined;
      return { cluster: row.clusterName as ClusterName, kernelBuild: row.kernelBuildId as KernelBuildId };
    },
    async ofCampaign(campaignId) {
      const select = { id: true, clusterName: true, kernelBuildId: true } as const;
      const rows = await db.rollout.findMany({ where: { campaignId }, select, orderBy: { number: 'desc' } });
      return rows.map(({ id, clusterName, kernelBuildId }) => ({
        ...{ id, cluster: clusterName as ClusterName, kernelBuild: kernelBuildId as KernelBuildId },
      }));
    },
    async undoing(id) {
      const [row] = await db.$queryRaw<{ id: string }[]>`SELECT id::text FROM rollouts
        WHERE rules->'undoes'->>'rollout' = ${id} AND status NOT IN ('aborted', 'superseded')
        ORDER BY number DESC LIMIT 1`;
      return row?.id;
    },
    page: (range, only = {}) => rolloutPage(db, range, only),
    inForce: (cluster) =>
      readRollouts(
        db,
        Prisma.sql`WHERE number IN (
            SELECT max(number) FROM rollouts WHERE ${ofCluster(cluster)} GROUP BY cluster_name, kernel_build_id
            UNION
            SELECT max(number) FROM rollouts WHERE ${ofCluster(cluster)} AND status = 'succeeded'
            GROUP BY cluster_name, kernel_build_id)
          ORDER BY number`,
      ),
    confirm: (id, word, call) =>
      serialisable(db, (tx) =>
        once(tx, call, async () => {
          await insertConfirmation(tx, await requireRollout(tx, id), word);
          return readRollout(tx, id);
        }),
      ),
    unconfirmed: () => unconfirmedEmergencies(db),
    async furthest({ cluster, kernelBuild }) {
      const where = { clusterName: cluster, kernelBuildId: kernelBuild };
      const { _max } = await db.rollout.aggregate({ where, _max: { toSeq: true } });
      return (_max.toSeq ?? 0) as Seq;
    },
    async succeededBefore(id) {
      const rows = await db.$queryRaw<{ to_seq: number }[]>`SELECT before.to_seq FROM rollouts r JOIN rollouts before
        ON before.cluster_name = r.cluster_name AND before.kernel_build_id = r.kernel_build_id
          AND before.number < r.number AND before.status = 'succeeded'
        WHERE r.id = ${id}::uuid ORDER BY before.number DESC LIMIT 1`;
      return (rows[0]?.to_seq ?? 0) as Seq;
    },
    async lastBefore(id) {
      const [last] = await readRollouts(
        db,
        Prisma.sql`JOIN rollouts later ON later.id = ${id}::uuid AND r.number < later.number
            AND r.cluster_name = later.cluster_name AND r.kernel_build_id = later.kernel_build_id
          WHERE r.status = 'succeeded' ORDER BY r.number DESC LIMIT 1`,
      );
      return last;
    },
    async planAgreedTo(id, hash) {
      const [row] = await db.$queryRaw<{ plan: unknown; planned_at: Date }[]>`SELECT plan, planned_at FROM rollout_plans
        WHERE rollout_id = ${id}::uuid AND plan->'approvals'->>'hash' = ${hash} AND plan ? 'nodes'
        ORDER BY generation DESC LIMIT 1`;
      return row === undefined ? undefined : planFromStored(row.plan, row.planned_at);
    },
    async advance(id, plan, fence) {
      try {
        return await serialisable(db, async (tx) => {
          await insistOnLease(tx, fence);
          return follow(tx, id, plan);
        });
      } catch (error) {
        if (isUniqueViolation(error)) return false;
        throw error;
      }
    },
    async noteLooked(ids, atMs) {
      await db.$executeRaw`UPDATE rollouts SET looked_at_ms = ${BigInt(atMs)} WHERE id = ANY(${[...ids]}::uuid[])`;
    },
    async order(id, order, by, plan, call) {
      try {
        return await serialisable(db, (tx) =>
          once(tx, call, async () => {
            if (!(await follow(tx, id, plan))) throw new PlannedMeanwhile();
            await insertOrder(tx, id, order, by, plan.generation);
            return readRollout(tx, id);
          }),
        );
      } catch (error) {
        if (error instanceof PlannedMeanwhile || isUniqueViolation(error)) return undefined;
        throw error;
      }
    },
  };
}
