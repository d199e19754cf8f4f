// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { Consistency } from '@lockstep/domain/load-order';
import type { Client, Transaction } from './client';
import { isUniqueViolation } from './client';

export interface ClusterRecord {
  readonly name: ClusterName;
  /** Of entries that do not name their own; undefined: the kernel's own way. */
  readonly consistency: Consistency | undefined;
  readonly createdAt: Date;
}

const fromRow = (row: { name: string; consistency: string | null; createdAt: Date }): ClusterRecord => ({
  name: row.name as ClusterName,
  consistency: (row.consistency ?? undefined) as Consistency | undefined,
  createdAt: row.createdAt,
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
  create(name: ClusterName, consistency?: Consistency): Promise<ClusterRecord>;
  list(): Promise<ClusterRecord[]>;
  require(name: ClusterName): Promise<ClusterRecord>;
}

export function clusterStore(db: Client): ClusterStore {
  return {
    async create(name, consistency) {
      try {
        return fromRow(await db.cluster.create({ data: { name, consistency: consistency ?? null } }));
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        throw new LockstepError('already-exists', 'cluster-exists', `There is a cluster "${name}" already.`, {
          cluster: name,
        });
      }
    },
    async list() {
      return (await db.cluster.findMany({ orderBy: { name: 'asc' } })).map(fromRow);
    },
    require: (name) => requireCluster(db, name),
  };
}
