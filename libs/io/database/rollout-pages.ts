// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName, KernelBuildId, Seq } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import type { BreakGlass, Confirmation, PolicyRules } from '@lockstep/domain/rollout-planner';
import type { Client } from './client';
import type { Prisma, RolloutConfirmation as ConfirmationRow, RolloutStatus } from './generated/client';
import type { PageRange } from './row-key';

/** A rollout in a list: its newest plan in two numbers. */
export interface RolloutSummary {
  readonly id: string;
  /** Rollouts are numbered as they were started, over all clusters. */
  readonly number: number;
  readonly cluster: ClusterName;
  readonly kernelBuild: KernelBuildId;
  readonly toSeq: Seq;
  readonly status: RolloutStatus;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly nodeCount: number;
  readonly nodesThere: number;
  /** Of an emergency. */
  readonly breakGlass?: BreakGlass | undefined;
  readonly confirmation?: Confirmation | undefined;
  /** The rollout that it takes back. */
  readonly rollsBack?: string | undefined;
}

/** Only rollouts that fit all that is said. */
export interface RolloutFilter {
  readonly clusters?: readonly ClusterName[] | undefined;
  /** Beside those clusters. */
  readonly orders?: readonly LogName[] | undefined;
  readonly kernelBuild?: KernelBuildId | undefined;
  readonly status?: RolloutStatus | undefined;
}

function emergencyOf(rules: unknown, row: ConfirmationRow | null): Pick<RolloutSummary, 'breakGlass' | 'confirmation'> {
  const { breakGlass } = rules as PolicyRules;
  if (breakGlass === undefined) return {};
  return row === null
    ? { breakGlass }
    : { breakGlass, confirmation: { by: row.givenBy, reason: row.reason, atMs: row.givenAt.getTime() } };
}

const undoneBy = (rules: unknown): string | undefined => (rules as PolicyRules).undoes?.rollout;

/** Those with a smaller number than this one, the newest first. No plan is read. */
export async function rolloutPage(
  db: Client,
  { after, limit }: PageRange<number>,
  { clusters, orders = [], kernelBuild, status }: RolloutFilter,
): Promise<RolloutSummary[]> {
  const where: Prisma.RolloutWhereInput = {
    ...(clusters && {
      OR: [
        { clusterName: { in: [...clusters] } },
        ...orders.map((order) => ({ clusterName: order.cluster, kernelBuildId: order.kernelBuild })),
      ],
    }),
    ...(kernelBuild && { kernelBuildId: kernelBuild }),
    ...(status && { status }),
    ...(after !== undefined && { number: { lt: after } }),
  };
  const select = {
    ...{ id: true, number: true, clusterName: true, kernelBuildId: true, toSeq: true, status: true },
    ...{ startedAt: true, endedAt: true, nodeCount: true, nodesThere: true, rules: true, confirmation: true },
  } as const;
  const rows = await db.rollout.findMany({ where, select, orderBy: { number: 'desc' }, take: limit });
  return rows.map(({ clusterName, kernelBuildId, toSeq, rules, confirmation, ...row }) => ({
    ...row,
    ...emergencyOf(rules, confirmation),
    rollsBack: undoneBy(rules),
    cluster: clusterName as ClusterName,
    kernelBuild: kernelBuildId as KernelBuildId,
    toSeq: toSeq as Seq,
  }));
}
