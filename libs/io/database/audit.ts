// SPDX-License-Identifier: GPL-2.0-only
import type { AuditCheckpoint, AuditEvent, AuditRecord } from '@lockstep/domain/audit';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type EntrySignature } from '@lockstep/domain/load-order';
import { storableText } from '@lockstep/platform/runtime';
import type { Client, Transaction } from './client';
import { highestSeq } from './highest-seq';
import { Statement, type Prepared } from './prepared';

/** Where the chain ends. */
export type AuditHead = Pick<AuditRecord, 'seq' | 'hash'>;

/** An event without a place yet. */
export type UnchainedEvent = AuditEvent & Pick<AuditRecord, 'at'>;

/** Those that have their place now. */
export interface Chained {
  readonly checkpoint: AuditCheckpoint;
  /** More may be there than go in one transaction. */
  readonly mayBeMore: boolean;
}

export interface ChainedBatch {
  /** In the order of the events. */
  readonly records: readonly AuditRecord[];
  readonly checkpoint: AuditCheckpoint;
}

export interface AuditStore {
  /** Of what has no transaction of its own. */
  add(event: AuditEvent): Promise<void>;
  /** Whether any has no place yet: one statement, where `chain` takes three to find that out. */
  hasUnplaced(): Promise<boolean>;
  /** Gives those without a place theirs, as `link` says, as many as go in one transaction. @returns undefined: there were none. */
  chain(link: (events: readonly UnchainedEvent[], head: AuditHead) => ChainedBatch): Promise<Chained | undefined>;
  head(): Promise<AuditHead>;
  /** In order, above `afterSeq`, at most `most`. */
  read(afterSeq: number, most: number): Promise<AuditRecord[]>;
  /** In order, above `afterSeq`, up to and with `toSeq`. */
  checkpoints(afterSeq: number, toSeq: number): Promise<AuditCheckpoint[]>;
}

const mostInBatch = 500;

/** One gives places at a time, whichever process: each sees all that the one before it wrote. */
const chainLock = 7_262_012;

interface EventColumns extends AuditEvent {
  readonly at: Date;
}

interface UnplacedRow extends EventColumns {
  /** As PostgreSQL writes it: JavaScript's numbers do not hold all of them. */
  readonly id: string;
  /** Where the chain ends; null: it has still to begin. */
  readonly head_seq: number | null;
  readonly head_hash: string | null;
}

const unplaced = new Statement<UnplacedRow>(`
  SELECT id, at, who, token, "from", call, "on", details, because, result, head.seq AS head_seq, head.hash AS head_hash
  FROM (SELECT * FROM audit_events WHERE seq IS NULL ORDER BY id LIMIT ${mostInBatch}) AS events
  LEFT JOIN (SELECT seq, hash FROM audit_events WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1) AS head ON true
  ORDER BY id`);

const place = new Statement(`
  WITH done AS (
    UPDATE audit_events SET seq = placed.seq, previous_hash = placed.previous, hash = placed.hash
    FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) AS placed (id, seq, previous, hash)
    WHERE audit_events.id = placed.id)
  INSERT INTO audit_checkpoints (seq, hash, signature) VALUES ($5, $6, $7)`);

const eventOf = ({ at, who, token, from, call, on, details, because, result }: EventColumns): UnchainedEvent => ({
  ...{ at: at.toISOString(), who, token, from, call, on, details, because, result },
});

/** An event where it belongs: in the transaction that does what it tells. */
export async function addAuditEvent(tx: Transaction | Client, event: AuditEvent): Promise<void> {
  const { who, token, from, call, on, result } = event;
  const told = { details: storableText(event.details), because: storableText(event.because) };
  await tx.auditEvent.create({ data: { who, token, from, call, on, result, ...told } });
}

async function headOf(db: Client): Promise<AuditHead> {
  const where = { seq: { not: null } };
  const row = await db.auditEvent.findFirst({ where, orderBy: { seq: 'desc' }, select: { seq: true, hash: true } });
  return { seq: row?.seq ?? 0, hash: (row?.hash ?? firstPreviousHash) as Sha256 };
}

export function auditStore(db: Client, prepared: Prepared): AuditStore {
  return {
    add: (event) => addAuditEvent(db, event),
    async hasUnplaced() {
      const [row] = await db.$queryRaw<{ has: boolean }[]>`
        SELECT EXISTS (SELECT FROM audit_events WHERE seq IS NULL) AS has`;
      return row?.has === true;
    },
    chain: (link) =>
      prepared.underLock(chainLock, async (ask) => {
        const rows = await ask(unplaced, []);
        const [first] = rows;
        if (first === undefined) return undefined;
        const head = { seq: first.head_seq ?? 0, hash: (first.head_hash ?? firstPreviousHash) as Sha256 };
        const { records, checkpoint } = link(rows.map(eventOf), head);
        await ask(place, [
          rows.map(({ id }) => id),
          records.map(({ seq }) => seq),
          records.map(({ previousHash }) => previousHash),
          records.map(({ hash }) => hash),
          ...[checkpoint.seq, checkpoint.hash, checkpoint.signature],
        ]);
        return { checkpoint, mayBeMore: rows.length === mostInBatch };
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
