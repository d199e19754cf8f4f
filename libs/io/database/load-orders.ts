// SPDX-License-Identifier: GPL-2.0-only
import {
  encodeEntry,
  nextSeq,
  proposeEntry,
  type EntryBody,
  type EntrySignature,
  type HashBytes,
  type LogEntry,
  type LogName,
} from '@lockstep/domain/load-order';
import {
  LockstepError,
  type ClusterName,
  type KernelBuildId,
  type Seq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import { requireCluster } from './clusters';
import type { LogEntry as EntryRow, Prisma } from './generated/client';

const fromRow = (row: EntryRow): LogEntry => ({
  cluster: row.clusterName as ClusterName,
  kernelBuild: row.kernelBuildId as KernelBuildId,
  seq: row.seq as Seq,
  previousHash: row.previousHash as Sha256,
  body: row.body as unknown as EntryBody,
  hash: row.hash as Sha256,
  signature: row.signature as EntrySignature,
});

export interface Appending {
  /** Decides what to append from the log as it is in the transaction; may be called more than once. */
  readonly body: (entries: readonly LogEntry[]) => EntryBody;
  readonly hash: HashBytes;
  readonly sign: (hash: Sha256) => EntrySignature;
  /** Append only if the entry gets this seq. */
  readonly expectedSeq?: Seq | undefined;
  readonly call?: KeptCall<LogEntry> | undefined;
}

/** When the last entry of a load order was appended. */
export interface HeadTime extends LogName {
  readonly seq: Seq;
  readonly appendedAt: Date;
}

export interface LoadOrderStore {
  /** Entries above `afterSeq`, in order. */
  entries(log: LogName, afterSeq?: number): Promise<LogEntry[]>;
  /** Seq of the last entry; 0 without one. */
  head(log: LogName): Promise<Seq>;
  /** Of every load order that has entries. */
  headTimes(): Promise<HeadTime[]>;
  /** The kernel builds of the cluster's load orders that have entries. */
  kernelBuilds(cluster: ClusterName): Promise<KernelBuildId[]>;
  /** Whether some entry of the cluster loads this module. */
  loads(cluster: ClusterName, artifact: Sha256): Promise<boolean>;
  /**
   * Appends one entry: head seen, rules kept, hashed, signed and written in one serialisable transaction.
   * @throws LockstepError `refused` with the reason of the rule, or `seq-taken`.
   */
  append(log: LogName, appending: Appending): Promise<LogEntry>;
  /**
   * Adds entries that were appended, and signed, once already, in one serialisable transaction. `choose` answers those
   * that follow the log as it is in the transaction, having verified them; it may be called more than once.
   */
  restore(
    log: LogName,
    choose: (known: readonly LogEntry[]) => readonly LogEntry[],
    call?: KeptCall<readonly LogEntry[]>,
  ): Promise<readonly LogEntry[]>;
}

async function readEntries(db: Client | Transaction, log: LogName, afterSeq = 0): Promise<LogEntry[]> {
  const where = { clusterName: log.cluster, kernelBuildId: log.kernelBuild, seq: { gt: afterSeq } };
  return (await db.logEntry.findMany({ where, orderBy: { seq: 'asc' } })).map(fromRow);
}

async function insert(tx: Transaction, entry: LogEntry): Promise<void> {
  const { cluster: clusterName, kernelBuild: kernelBuildId, seq, previousHash, body, hash, signature } = entry;
  const data = { clusterName, kernelBuildId, seq, previousHash, hash, signature };
  await tx.logEntry.create({ data: { ...data, body: body as unknown as Prisma.InputJsonObject } });
}

async function append(tx: Transaction, log: LogName, { body, hash, sign, expectedSeq }: Appending): Promise<LogEntry> {
  await requireCluster(tx, log.cluster);
  const entries = await readEntries(tx, log);
  const seq = nextSeq(entries);
  if (expectedSeq !== undefined && expectedSeq !== seq) {
    const message = `The next entry is #${seq}, not #${expectedSeq}: somebody appended meanwhile, look at the load order again.`;
    throw new LockstepError('refused', 'seq-taken', message, { expected: expectedSeq, next: seq });
  }
  const unsigned = proposeEntry(log, entries, body(entries));
  const entryHash = hash(encodeEntry(unsigned));
  const entry: LogEntry = { ...unsigned, hash: entryHash, signature: sign(entryHash) };
  await insert(tx, entry);
  return entry;
}

export function loadOrderStore(db: Client): LoadOrderStore {
  return {
    entries: (log, afterSeq) => readEntries(db, log, afterSeq),
    async head({ cluster, kernelBuild }) {
      const where = { clusterName: cluster, kernelBuildId: kernelBuild };
      const { _max } = await db.logEntry.aggregate({ where, _max: { seq: true } });
      return (_max.seq ?? 0) as Seq;
    },
    async headTimes() {
      const by = ['clusterName', 'kernelBuildId'] as const;
      const rows = await db.logEntry.groupBy({
        by: [...by],
        _max: { appendedAt: true, seq: true },
        orderBy: [{ clusterName: 'asc' }],
      });
      return rows.flatMap(({ clusterName, kernelBuildId, _max: { appendedAt, seq } }) => {
        if (appendedAt === null || seq === null) return [];
        const log = { cluster: clusterName as ClusterName, kernelBuild: kernelBuildId as KernelBuildId };
        return [{ ...log, seq: seq as Seq, appendedAt }];
      });
    },
    async kernelBuilds(cluster) {
      const rows = await db.logEntry.findMany({
        where: { clusterName: cluster, seq: 1 },
        select: { kernelBuildId: true },
        orderBy: { kernelBuildId: 'asc' },
      });
      return rows.map((row) => row.kernelBuildId as KernelBuildId);
    },
    async loads(cluster, artifact) {
      // As the index has it.
      const rows = await db.$queryRaw<{ loads: boolean }[]>`SELECT EXISTS (
        SELECT 1 FROM log_entries
        WHERE cluster_name = ${cluster} AND body -> 'artifact' ->> 'sha256' = ${artifact}) AS loads`;
      return rows[0]?.loads === true;
    },
    append: (log, appending) => serialisable(db, (tx) => once(tx, appending.call, () => append(tx, log, appending))),
    restore: (log, choose, call) =>
      serialisable(db, (tx) =>
        once(tx, call, async () => {
          await requireCluster(tx, log.cluster);
          const entries = choose(await readEntries(tx, log));
          for (const entry of entries) await insert(tx, entry);
          return entries;
        }),
      ),
  };
}
