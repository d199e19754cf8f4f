// SPDX-License-Identifier: GPL-2.0-only
import type { AuditCheckpoint, AuditEvent, AuditRecord } from '@lockstep/domain/audit';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type EntrySignature } from '@lockstep/domain/load-order';
import { storableText } from '@lockstep/platform/runtime';
import type { Client, Transaction } from './client';
import type { AuditEvent as EventRow } from './generated/client';
import { highestSeq } from './highest-seq';

/** Where the chain ends. */
export type AuditHead = Pick<AuditRecord, 'seq' | 'hash'>;

/** An event without a place yet. */
export type UnchainedEvent = AuditEvent & Pick<AuditRecord, 'at'>;

export interface ChainedBatch {
  /** In the order of the events. */
  readonly records: readonly AuditRecord[];
  readonly checkpoint: AuditCheckpoint;
}

export interface AuditStore {
  /** Of what has no transaction of its own. */
  add(event: AuditEvent): Promise<void>;
  /** Whether any has no place yet: one statement, where `chain` takes four to find that out. */
  hasUnplaced(): Promise<boolean>;
  /** Gives those without a place theirs, as `link` says, as many as go in one transaction. @returns undefined: there were none. */
  chain(
    link: (events: readonly UnchainedEvent[], head: AuditHead) => ChainedBatch,
  ): Promise<AuditCheckpoint | undefined>;
  head(): Promise<AuditHead>;
  /** In order, above `afterSeq`, at most `most`. */
  read(afterSeq: number, most: number): Promise<AuditRecord[]>;
  /** In order, above `afterSeq`, up to and with `toSeq`. */
  checkpoints(afterSeq: number, toSeq: number): Promise<AuditCheckpoint[]>;
}

const mostInBatch = 500;

/** One gives places at a time, whichever process: each sees all that the one before it wrote. */
const chainLock = 7_262_012;

const eventOf = ({ at, who, token, from, call, on, details, because, result }: EventRow): UnchainedEvent => ({
  ...{ at: at.toISOString(), who, token, from, call, on, details, because, result },
});

/** An event where it belongs: in the transaction that does what it tells. */
export async function addAuditEvent(tx: Transaction | Client, event: AuditEvent): Promise<void> {
  const { who, token, from, call, on, result } = event;
  const told = { details: storableText(event.details), because: storableText(event.because) };
  await tx.auditEvent.create({ data: { who, token, from, call, on, result, ...told } });
}

async function headOf(db: Client | Transaction): Promise<AuditHead> {
  const where = { seq: { not: null } };
  const row = await db.auditEvent.findFirst({ where, orderBy: { seq: 'desc' }, select: { seq: true, hash: true } });
  return { seq: row?.seq ?? 0, hash: (row?.hash ?? firstPreviousHash) as Sha256 };
}

export function auditStore(db: Client): AuditStore {
  return {
    add: (event) => addAuditEvent(db, event),
    async hasUnplaced() {
      const [row] = await db.$queryRaw<{ has: boolean }[]>`
        SELECT EXISTS (SELECT FROM audit_events WHERE seq IS NULL) AS has`;
      return row?.has === true;
    },
    chain: (link) =>
      db.$transaction(async (tx) => {
        await tx.$executeRaw`SELECT pg_advisory_xact_lock(${chainLock})`;
        const rows = await tx.auditEvent.findMany({ where: { seq: null }, orderBy: { id: 'asc' }, take: mostInBatch });
        if (rows.length === 0) return undefined;
        const { records, checkpoint } = link(rows.map(eventOf), await headOf(tx));
        const columns = [
          rows.map(({ id }) => id),
          records.map(({ seq }) => seq),
          records.map(({ previousHash }) => previousHash as string),
          records.map(({ hash }) => hash as string),
        ] as const;
        await tx.$executeRaw`
          UPDATE audit_events SET seq = placed.seq, previous_hash = placed.previous, hash = placed.hash
          FROM unnest(${columns[0]}::bigint[], ${columns[1]}::int[], ${columns[2]}::text[], ${columns[3]}::text[])
            AS placed (id, seq, previous, hash)
          WHERE audit_events.id = placed.id`;
        await tx.auditCheckpoint.create({ data: checkpoint });
        return checkpoint;
      }),
    head: () => headOf(db),
    async read(afterSeq, most) {
      // Whoever asks may name any number, and the database refuses those that it cannot have.
      if (afterSeq >= highestSeq) return [];
      const where = { seq: { gt: afterSeq } };
      const rows = await db.auditEvent.findMany({ where, orderBy: { seq: 'asc' }, take: most });
      return rows.map((row) => ({
        ...eventOf(row),
        seq: row.seq ?? 0,
        previousHash: (row.previousHash ?? '') as Sha256,
        hash: (row.hash ?? '') as Sha256,
      }));
    },
    async checkpoints(afterSeq, toSeq) {
      const where = { seq: { gt: afterSeq, lte: toSeq } };
      const rows = await db.auditCheckpoint.findMany({ where, orderBy: { seq: 'asc' }, omit: { signedAt: true } });
      return rows.map(({ seq, hash, signature }) => ({
        seq,
        hash: hash as Sha256,
        signature: signature as EntrySignature,
      }));
    },
  };
}
