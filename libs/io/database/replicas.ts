// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { Client, Transaction } from './client';
import { nodeFromRow, type NodeRecord } from './nodes';

/** Proves, in the transaction that stores a decision, that it is still the holder's to make. */
export interface Fence {
  readonly holder: string;
  /** Grows with each holder. */
  readonly token: number;
}

/** What one control plane of several knows of the others. */
export interface Beat {
  /** The lease's token while it is ours; undefined: another one leads. */
  readonly token: number | undefined;
  /** The others that live. */
  readonly others: readonly string[];
}

/** What was written to nodes by whomever, since a moment. */
export interface NodeChanges {
  readonly nodes: readonly NodeRecord[];
  /** From here on look the next time: what was not visible yet is not older. */
  readonly horizon: bigint;
}

export interface ReplicaStore {
  /** Says that it lives, for so long, and takes or keeps the lease if nobody else has it. By the database's clock. */
  beat(id: string, ttlMs: number): Promise<Beat>;
  /** It stops: the others need not wait for its time to run out. */
  leave(id: string): Promise<void>;
  /**
   * Some may come twice. @param since null: none, only from where on to look. @param besides what this one holds, which
   * knows better, but for what was revoked.
   */
  nodeChanges(since: bigint | null, besides: string): Promise<NodeChanges>;
  /** All names there are, for what was removed, with the revision of each one's labels. */
  labelRevisions(): Promise<ReadonlyMap<NodeName, number>>;
}

const leaseName = 'leader';

/** @throws LockstepError `unavailable` `lease-lost`. */
export async function insistOnLease(tx: Transaction, fence: Fence | undefined): Promise<void> {
  if (fence === undefined) return;
  const held = await tx.$queryRaw<unknown[]>`SELECT 1 FROM leases
    WHERE name = ${leaseName} AND holder = ${fence.holder}::uuid AND token = ${fence.token} FOR SHARE`;
  if (held.length > 0) return;
  throw new LockstepError('unavailable', 'lease-lost', 'Another control plane decides now.', { token: fence.token });
}

export function replicaStore(db: Client): ReplicaStore {
  return {
    async beat(id, ttlMs) {
      const rows = await db.$queryRaw<{ token: number | null; others: string[] }[]>`
        WITH alive AS (
          INSERT INTO replicas (id, alive_until) VALUES (${id}::uuid, now() + ${ttlMs} * interval '1 ms')
          ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until),
        gone AS (DELETE FROM replicas WHERE alive_until < now() - interval '1 hour'),
        lease AS (
          INSERT INTO leases (name, holder, token, expires_at)
          VALUES (${leaseName}, ${id}::uuid, 1, now() + ${ttlMs} * interval '1 ms')
          ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at,
            token = leases.token + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END
          WHERE leases.holder = excluded.holder OR leases.expires_at < now()
          RETURNING token)
        SELECT (SELECT token FROM lease) AS token,
          ARRAY(SELECT replicas.id::text FROM replicas WHERE alive_until > now() AND id <> ${id}::uuid) AS others`;
      const [row] = rows;
      return { token: row?.token ?? undefined, others: row?.others ?? [] };
    },
    async leave(id) {
      await db.$executeRaw`DELETE FROM replicas WHERE id = ${id}::uuid`;
      await db.$executeRaw`UPDATE leases SET expires_at = now() WHERE holder = ${id}::uuid`;
    },
    async nodeChanges(since, besides) {
      const rows = await db.$queryRaw<{ horizon: bigint }[]>`
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon`;
      const others = { OR: [{ replicaId: null }, { replicaId: { not: besides } }, { revokedAt: { not: null } }] };
      const changed = since === null ? [] : await db.node.findMany({ where: { changedIn: { gte: since }, ...others } });
      return { nodes: changed.map(nodeFromRow), horizon: rows[0]?.horizon ?? since ?? 0n };
    },
    async labelRevisions() {
      const rows = await db.node.findMany({ select: { name: true, labelsRevision: true } });
      return new Map(rows.map(({ name, labelsRevision }) => [name as NodeName, labelsRevision]));
    },
  };
}
