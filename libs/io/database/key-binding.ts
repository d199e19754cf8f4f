// SPDX-License-Identifier: GPL-2.0-only
import type { AuditEvent } from '@lockstep/domain/audit';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { EntrySignature, LogKey } from '@lockstep/domain/load-order';
import { addAuditEvent } from './audit';
import { serialisable, type Client } from './client';

/** Which keys a database belongs to: those that its agents trust, and that sign its load orders. */
export interface KeyBinding {
  /** Tells this database from any other. */
  readonly databaseId: string;
  /** Of the CA's SPKI. */
  readonly caPinSha256: string;
  /** Of the public key in PEM form that agents verify load orders with. */
  readonly logKeySha256: string;
}

/** The last entry of a load order, as it was signed, and with which keys. */
export interface LastEntry {
  readonly cluster: string;
  readonly kernelBuild: string;
  readonly seq: number;
  readonly hash: Sha256;
  readonly signature: EntrySignature;
  /** That signed it; null: the first. */
  readonly signedBy: LogKey | null;
  /** That signs whatever follows; null: the first. */
  readonly current: LogKey | null;
}

export interface KeyBindingStore {
  /** Null: no control plane of this version has started on it. */
  find(): Promise<KeyBinding | null>;
  /** Once for all time. @param event what goes into the audit with it */
  bind(binding: KeyBinding, event: AuditEvent): Promise<KeyBinding>;
  /** Nothing in it was certified or signed by anybody's keys. */
  isFresh(): Promise<boolean>;
  /** The last entry of each load order. */
  heads(): Promise<LastEntry[]>;
}

export function keyBindingStore(db: Client): KeyBindingStore {
  return {
    find: () => db.controlPlaneKeys.findFirst({ omit: { only: true, boundAt: true } }),
    bind: (data, event) =>
      serialisable(db, async (tx) => {
        await addAuditEvent(tx, event);
        return tx.controlPlaneKeys.create({ data, omit: { only: true, boundAt: true } });
      }),
    async isFresh() {
      // Nodes, join tokens and load orders are all of some cluster.
      return (await db.cluster.count()) === 0;
    },
    heads: () =>
      db.$queryRaw<LastEntry[]>`
        WITH heads AS (
          SELECT DISTINCT ON (cluster_name, kernel_build_id) cluster_name, kernel_build_id, seq, hash, signature
          FROM log_entries ORDER BY cluster_name, kernel_build_id, seq DESC),
        keys AS (
          SELECT cluster_name, kernel_build_id, seq, body ->> 'key' AS key
          FROM log_entries WHERE body ->> 'kind' = 'rotate')
        SELECT cluster_name AS cluster, kernel_build_id AS "kernelBuild", seq, hash, signature,
          (SELECT key FROM keys WHERE keys.cluster_name = heads.cluster_name
            AND keys.kernel_build_id = heads.kernel_build_id AND keys.seq < heads.seq
            ORDER BY keys.seq DESC LIMIT 1) AS "signedBy",
          (SELECT key FROM keys WHERE keys.cluster_name = heads.cluster_name
            AND keys.kernel_build_id = heads.kernel_build_id
            ORDER BY keys.seq DESC LIMIT 1) AS current
        FROM heads`,
  };
}
