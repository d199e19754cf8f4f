// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import type { EventType, FleetEvent } from '@lockstep/domain/fleet-events';
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import type { Client, Transaction } from './client';
import type { Event as EventRow } from './generated/client';
import { jsonText } from './json-text';
import { insistOnLease, type Fence } from './replicas';
import { highestSeq } from './highest-seq';

/** An event as it is kept. */
export interface EventRecord extends Omit<FleetEvent, 'key'> {
  /** The order in which they are told. */
  readonly seq: number;
  /** Names it to those who are told. */
  readonly id: string;
  readonly at: Date;
}

/** One that was new. */
export interface AddedEvent {
  readonly key: string;
  readonly seq: number;
}

const fromRow = (row: EventRow): EventRecord => ({
  seq: row.seq,
  id: row.id,
  type: row.type as EventType,
  cluster: row.cluster as ClusterName | null,
  subject: row.subject,
  message: row.message,
  data: row.data as unknown as FleetEvent['data'],
  at: row.at,
});

/** One that is kept. */
export interface ToldEvent {
  readonly key: string;
  readonly type: EventType;
}

/** So long events are kept: longer than anybody is told of one. */
const keepDays = 30;

/** Which of the events that are kept. */
export interface EventQuery {
  /** None: of all. */
  readonly types: ReadonlySet<EventType>;
  /** Beside those of no cluster; undefined: of all. */
  readonly clusters: readonly ClusterName[] | undefined;
  /** And what happened to these, of whatever cluster. */
  readonly nodes?: readonly NodeName[];
  /** What they are about; undefined: whatever. */
  readonly subject?: string | undefined;
  /** For the page before. */
  readonly beforeSeq?: number | undefined;
}

/** One writes here at a time, whichever process: a seq that is seen has no smaller one that is still to come. */
const writersLock = 7_262_011;

async function addRows(db: Client | Transaction, events: readonly FleetEvent[]): Promise<AddedEvent[]> {
  if (events.length === 0) return [];
  const rows = events.map((event) => ({ ...event, id: randomUUID() }));
  // The lock comes before the first row, and with that before the first seq; it lasts until all are seen.
  return db.$queryRaw<AddedEvent[]>`INSERT INTO events (id, key, type, cluster, subject, message, data)
    SELECT id, key, type, cluster, subject, message, data
    FROM (SELECT pg_advisory_xact_lock(${writersLock}) IS NULL) AS turn, jsonb_to_recordset(${jsonText(rows)}::jsonb) AS said(
      id uuid, key text, type text, cluster text, subject text, message text, data jsonb)
    ON CONFLICT (key) DO NOTHING RETURNING key, seq`;
}

export interface EventStore {
  /**
   * Keeps those whose key is new. @param fence of what the leader alone tells. @returns these.
   * @throws LockstepError `unavailable` `lease-lost` when another control plane tells it by now.
   */
  add(events: readonly FleetEvent[], fence?: Fence): Promise<AddedEvent[]>;
  /** Above `afterSeq`, in order; at most `limit`. */
  after(afterSeq: number, limit: number): Promise<EventRecord[]>;
  /** The last `limit` of those that are asked for, in order. */
  latest(query: EventQuery, limit: number): Promise<EventRecord[]>;
  find(seq: number): Promise<EventRecord | null>;
  /** Seq of the last; 0 for none. */
  head(): Promise<number>;
  /** Of one subject, in order. */
  toldOf(subject: string): Promise<ToldEvent[]>;
  /** The last of each node that has any. */
  lastOfNodes(): Promise<Map<string, { readonly seq: number; readonly type: EventType }>>;
  /** Forgets old ones, but for what would be told anew: the last of a node, and those of a rollout that goes on. */
  forgetOld(): Promise<void>;
}

export function eventStore(db: Client): EventStore {
  return {
    async add(events, fence) {
      if (fence === undefined || events.length === 0) return addRows(db, events);
      return db.$transaction(async (tx) => {
        await insistOnLease(tx, fence);
        return addRows(tx, events);
      });
    },
    async after(afterSeq, limit) {
      if (afterSeq >= highestSeq) return [];
      const where = { seq: { gt: afterSeq } };
      return (await db.event.findMany({ where, orderBy: { seq: 'asc' }, take: limit })).map(fromRow);
    },
    async latest({ types, clusters, nodes = [], subject, beforeSeq }, limit) {
      const ofNodes = { type: { startsWith: 'node.' }, subject: { in: [...nodes] } };
      const where = {
        ...(subject !== undefined && { subject }),
        ...(types.size > 0 && { type: { in: [...types] } }),
        ...(clusters !== undefined && {
          OR: [{ cluster: null }, { cluster: { in: [...clusters] } }, ...(nodes.length > 0 ? [ofNodes] : [])],
        }),
        ...(beforeSeq !== undefined && beforeSeq <= highestSeq && { seq: { lt: beforeSeq } }),
      };
      return (await db.event.findMany({ where, orderBy: { seq: 'desc' }, take: limit })).map(fromRow).reverse();
    },
    async find(seq) {
      if (seq > highestSeq) return null;
      const row = await db.event.findUnique({ where: { seq } });
      return row === null ? null : fromRow(row);
    },
    async head() {
      return (await db.event.aggregate({ _max: { seq: true } }))._max.seq ?? 0;
    },
    async toldOf(subject) {
      const select = { key: true, type: true } as const;
      const rows = await db.event.findMany({ where: { subject }, select, orderBy: { seq: 'asc' } });
      return rows.map(({ key, type }) => ({ key, type: type as EventType }));
    },
    async lastOfNodes() {
      const rows = await db.$queryRaw<{ subject: string; seq: number; type: EventType }[]>`
        SELECT DISTINCT ON (subject) subject, seq, type FROM events WHERE type LIKE 'node.%' ORDER BY subject, seq DESC`;
      return new Map(rows.map(({ subject, ...last }) => [subject, last]));
    },
    async forgetOld() {
      await db.$executeRaw`DELETE FROM events old WHERE at < now() - make_interval(days => ${keepDays})
        AND (type NOT LIKE 'node.%' OR EXISTS (
          SELECT 1 FROM events newer WHERE newer.subject = old.subject AND newer.seq > old.seq AND newer.type LIKE 'node.%'))
        AND NOT EXISTS (SELECT 1 FROM rollouts WHERE rollouts.id::text = old.subject AND rollouts.ended_at IS NULL)
        AND NOT EXISTS (SELECT 1 FROM campaigns WHERE campaigns.id::text = old.subject AND campaigns.ended_at IS NULL)`;
    },
  };
}
