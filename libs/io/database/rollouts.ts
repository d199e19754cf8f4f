// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import { LockstepError, type ClusterName, type KernelBuildId, type Seq } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import type { RolloutPlan, RolloutPolicy } from '@lockstep/domain/rollout-planner';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import { isUniqueViolation } from './database-errors';
import type { Prisma, RolloutStatus } from './generated/client';
import { isRowId } from './row-id';

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
}

const include = { plans: { orderBy: { generation: 'desc' }, take: 1 } } as const;
type RolloutRow = Prisma.RolloutGetPayload<{ include: typeof include }>;

/** Older plans do not say since when: since they were made, as far as is known; and they knew no caveats. */
function planFrom(json: unknown, sinceGeneration: number): RolloutPlan {
  const plan = json as RolloutPlan;
  const nodes = plan.nodes.map((node) => ({ ...{ sinceGeneration }, ...node }));
  return { ...{ caveats: [] }, ...plan, nodes };
}

function fromRow(row: RolloutRow): RolloutRecord {
  const [latest] = row.plans;
  if (latest === undefined) {
    throw new LockstepError('corrupt', 'rollout-without-plan', `Rollout ${row.id} has no plan: restore the database.`);
  }
  return {
    id: row.id,
    cluster: row.clusterName as ClusterName,
    policy: {
      kernelBuild: row.kernelBuildId as KernelBuildId,
      toSeq: row.toSeq as Seq,
      canaries: row.canaries,
      waveSize: row.waveSize,
    },
    status: row.status,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    plan: planFrom(latest.plan, latest.generation),
  };
}

export interface NewRollout {
  readonly cluster: ClusterName;
  readonly policy: RolloutPolicy;
  readonly plan: RolloutPlan;
}

export interface RolloutStore {
  /** Puts the rollout in force; one that still runs for the same load order is superseded. */
  start(rollout: NewRollout, call?: KeptCall<RolloutRecord>): Promise<RolloutRecord>;
  /** @throws LockstepError `not-found` `unknown-rollout`. */
  require(id: string): Promise<RolloutRecord>;
  /** Newest first. */
  list(cluster?: ClusterName): Promise<RolloutRecord[]>;
  /** When the plans of these generations were made. */
  plannedAt(id: string, generations: readonly number[]): Promise<ReadonlyMap<number, Date>>;
  /** Of each load order the newest that succeeded, for nodes that come later, and the newest. */
  inForce(cluster?: ClusterName): Promise<RolloutRecord[]>;
  /** The largest position any rollout of the load order was for; 0 without one. */
  furthest(log: LogName): Promise<Seq>;
  /**
   * Stores the plan that follows the one in force; its status becomes the rollout's.
   * @returns false when another plan was stored first, or the rollout is superseded: gather and plan again.
   */
  advance(id: string, plan: RolloutPlan): Promise<boolean>;
}

const planRow = (rolloutId: string, plan: RolloutPlan) => ({
  rolloutId,
  generation: plan.generation,
  plan: plan as unknown as Prisma.InputJsonObject,
});

const endOf = (plan: RolloutPlan): Date | null => (plan.status === 'running' ? null : new Date());

async function start(tx: Transaction, { cluster: clusterName, policy, plan }: NewRollout): Promise<RolloutRecord> {
  const { kernelBuild: kernelBuildId, toSeq, canaries, waveSize } = policy;
  await tx.rollout.updateMany({
    where: { clusterName, kernelBuildId, status: 'running' },
    data: { status: 'superseded', endedAt: new Date() },
  });
  const id = randomUUID();
  const state = { status: plan.status, endedAt: endOf(plan) };
  await tx.rollout.create({ data: { id, clusterName, kernelBuildId, toSeq, canaries, waveSize, ...state } });
  await tx.rolloutPlan.create({ data: planRow(id, plan) });
  return fromRow(await tx.rollout.findUniqueOrThrow({ where: { id }, include }));
}

export function rolloutStore(db: Client): RolloutStore {
  return {
    start: (rollout, call) => serialisable(db, (tx) => once(tx, call, () => start(tx, rollout))),
    async require(id) {
      const row = isRowId(id) ? await db.rollout.findUnique({ where: { id }, include }) : null;
      if (row !== null) return fromRow(row);
      throw new LockstepError('not-found', 'unknown-rollout', `There is no rollout "${id}".`, { rollout: id });
    },
    async list(cluster) {
      const where = cluster === undefined ? {} : { clusterName: cluster };
      return (await db.rollout.findMany({ where, orderBy: { number: 'desc' }, include })).map(fromRow);
    },
    async plannedAt(id, generations) {
      const where = { rolloutId: id, generation: { in: [...generations] } };
      const rows = await db.rolloutPlan.findMany({ where, select: { generation: true, plannedAt: true } });
      return new Map(rows.map((row) => [row.generation, row.plannedAt]));
    },
    async inForce(cluster) {
      const newestWhere = (where: Prisma.RolloutWhereInput) =>
        db.rollout.findMany({
          where: { ...where, ...(cluster === undefined ? {} : { clusterName: cluster }) },
          distinct: ['clusterName', 'kernelBuildId'],
          orderBy: { number: 'desc' },
          include,
        });
      const newest = await newestWhere({});
      const succeeded = await newestWhere({ status: 'succeeded' });
      return [...new Map([...succeeded, ...newest].map((row) => [row.id, row])).values()].map(fromRow);
    },
    async furthest({ cluster, kernelBuild }) {
      const where = { clusterName: cluster, kernelBuildId: kernelBuild };
      const { _max } = await db.rollout.aggregate({ where, _max: { toSeq: true } });
      return (_max.toSeq ?? 0) as Seq;
    },
    async advance(id, plan) {
      try {
        return await serialisable(db, async (tx) => {
          const row = await tx.rollout.findUniqueOrThrow({ where: { id }, include });
          if (row.status === 'superseded' || row.plans[0]?.generation !== plan.parent) return false;
          await tx.rolloutPlan.create({ data: planRow(id, plan) });
          if (row.status !== plan.status) {
            await tx.rollout.update({ where: { id }, data: { status: plan.status, endedAt: endOf(plan) } });
          }
          return true;
        });
      } catch (error) {
        if (isUniqueViolation(error)) return false;
        throw error;
      }
    },
  };
}
