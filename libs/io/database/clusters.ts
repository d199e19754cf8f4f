// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { Consistency, Switching } from '@lockstep/domain/load-order';
import type { ApprovalRules } from '@lockstep/domain/rollout-planner';
import { once, type KeptCall } from './call-answers';
import type { Client, Transaction } from './client';
import { serialisable } from './client';
import { isUniqueViolation } from './database-errors';
import type { Cluster as ClusterRow } from './generated/client';

/** What of a cluster can be changed. */
export interface ClusterSettings {
  /** Of entries that do not say it themselves. */
  readonly switching: Switching;
  /** A node that is silent for longer is taken out; undefined: never. */
  readonly removeSilentAfterDays: number | undefined;
  /** Undefined: rollouts need nobody's word. */
  readonly approvals: ApprovalPolicy | undefined;
}

/** Whose word rollouts of a cluster need. */
export type ApprovalPolicy = Omit<ApprovalRules, 'author'>;

export interface ClusterRecord extends ClusterSettings {
  readonly name: ClusterName;
  readonly createdAt: Date;
}

function fromRow({
  name,
  consistency,
  transitionTimeoutMs,
  stableMs,
  removeSilentAfterDays,
  approvalsNeeded,
  approvers,
  approvalsValidMs,
  createdAt,
}: ClusterRow): ClusterRecord {
  const switching: Switching = {
    consistency: (consistency ?? undefined) as Consistency | undefined,
    transitionTimeoutMs: transitionTimeoutMs ?? undefined,
    stableMs: stableMs ?? undefined,
  };
  return {
    name: name as ClusterName,
    switching,
    removeSilentAfterDays: removeSilentAfterDays ?? undefined,
    approvals:
      approvalsNeeded === 0 ? undefined : { needed: approvalsNeeded, among: approvers, validMs: approvalsValidMs },
    createdAt,
  };
}

const toRow = ({ consistency, transitionTimeoutMs, stableMs }: Switching) => ({
  consistency: consistency ?? null,
  transitionTimeoutMs: transitionTimeoutMs ?? null,
  stableMs: stableMs ?? null,
});

/** @throws LockstepError `not-found` `unknown-cluster`. */
export async function requireCluster(db: Client | Transaction, name: ClusterName): Promise<ClusterRecord> {
  const row = await db.cluster.findUnique({ where: { name } });
  if (row !== null) return fromRow(row);
  const message = `There is no cluster "${name}": \`lockstep cluster ls\` lists them, \`cluster create\` makes one.`;
  throw new LockstepError('not-found', 'unknown-cluster', message, { cluster: name });
}

export interface ClusterStore {
  /** @throws LockstepError `already-exists` `cluster-exists`. */
  create(name: ClusterName, switching: Switching, call?: KeptCall<ClusterRecord>): Promise<ClusterRecord>;
  /** @throws LockstepError `not-found` `unknown-cluster`. */
  update(
    name: ClusterName,
    change: (now: ClusterSettings) => ClusterSettings,
    call?: KeptCall<ClusterRecord>,
  ): Promise<ClusterRecord>;
  /** By name. */
  list(): Promise<ClusterRecord[]>;
  require(name: ClusterName): Promise<ClusterRecord>;
}

export function clusterStore(db: Client): ClusterStore {
  return {
    async create(name, switching, call) {
      try {
        return await serialisable(db, (tx) =>
          once(tx, call, async () => fromRow(await tx.cluster.create({ data: { name, ...toRow(switching) } }))),
        );
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        throw new LockstepError('already-exists', 'cluster-exists', `There is a cluster "${name}" already.`, {
          cluster: name,
        });
      }
    },
    update: (name, change, call) =>
      serialisable(db, (tx) =>
        once(tx, call, async () => {
          const { switching, removeSilentAfterDays, approvals } = change(await requireCluster(tx, name));
          const data = {
            ...{ ...toRow(switching), removeSilentAfterDays: removeSilentAfterDays ?? null },
            ...{ approvalsNeeded: approvals?.needed ?? 0, approvalsValidMs: approvals?.validMs ?? 0 },
            approvers: [...(approvals?.among ?? [])],
          };
          return fromRow(await tx.cluster.update({ where: { name }, data }));
        }),
      ),
    async list() {
      return (await db.cluster.findMany({ orderBy: { name: 'asc' } })).map(fromRow);
    },
    require: (name) => requireCluster(db, name),
  };
}
