// SPDX-License-Identifier: GPL-2.0-only
import {
  currentKey,
  encodeEntry,
  headHash,
  introduceKey,
  keysOf,
  nextSeq,
  proposeEntry,
  type EntryBody,
  type EntrySignature,
  type HashBytes,
  type LogEntry,
  type LogKey,
  type LogName,
  type SignWith,
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
import { Statement, type Prepared } from './prepared';

type EntryColumns = Pick<
  EntryRow,
  'clusterName' | 'kernelBuildId' | 'seq' | 'previousHash' | 'body' | 'hash' | 'signature'
>;

const fromRow = (row: EntryColumns): LogEntry => ({
  cluster: row.clusterName as ClusterName,
  kernelBuild: row.kernelBuildId as KernelBuildId,
  seq: row.seq as Seq,
  previousHash: row.previousHash as Sha256,
  body: row.body as unknown as EntryBody,
  hash: row.hash as Sha256,
  signature: row.signature as EntrySignature,
});

export interface Signing {
  readonly hash: HashBytes;
  readonly sign: SignWith;
}

export interface Appending extends Signing {
  /** Decides what to append from the log as it is in the transaction; may be called more than once. */
  readonly body: (entries: readonly LogEntry[]) => EntryBody;
  /** Append only if the entry gets this seq. */
  readonly expectedSeq?: Seq | undefined;
  readonly call?: KeptCall<LogEntry> | undefined;
}

/** Which log keys come next, and where. */
export interface Rotating extends Signing {
  readonly key: LogKey;
  /** Kernel builds whose load orders may be without entries as yet. */
  readonly also: readonly KernelBuildId[];
  readonly call?: KeptCall<readonly LogEntry[]> | undefined;
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
  /** The keys that the cluster's load orders have brought in, one after the other; one that begins brings in all of them. */
  keys(cluster: ClusterName): Promise<LogKey[]>;
  /**
   * Brings `key` into every load order of the cluster, in one serialisable transaction: it signs all of them from then on,
   * or none. @returns the entries that bring it in.
   */
  rotate(cluster: ClusterName, rotating: Rotating): Promise<readonly LogEntry[]>;
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

async function readKernelBuilds(db: Client | Transaction, cluster: ClusterName): Promise<KernelBuildId[]> {
  const rows = await db.logEntry.findMany({
    where: { clusterName: cluster, seq: 1 },
    select: { kernelBuildId: true },
    orderBy: { kernelBuildId: 'asc' },
  });
  return rows.map((row) => row.kernelBuildId as KernelBuildId);
}

/** Of the load order that has walked furthest: one may have lost some in a restore. */
function furthestKeys(rows: readonly EntryColumns[]): LogKey[] {
  const walks = new Map<string, LogEntry[]>();
  for (const entry of rows.map(fromRow)) walks.set(entry.kernelBuild, [...(walks.get(entry.kernelBuild) ?? []), entry]);
  return [...walks.values()].map(keysOf).reduce<LogKey[]>((a, b) => (b.length > a.length ? b : a), []);
}

async function readKeys(tx: Transaction, cluster: ClusterName): Promise<LogKey[]> {
  const where = { clusterName: cluster, body: { path: ['kind'], equals: 'rotate' } };
  return furthestKeys(await tx.logEntry.findMany({ where, orderBy: { seq: 'asc' } }));
}

/** The same for each machine that enrols. */
const rotations = new Statement<EntryColumns>(`
  SELECT cluster_name AS "clusterName", kernel_build_id AS "kernelBuildId", seq, previous_hash AS "previousHash", body, hash, signature
  FROM log_entries WHERE cluster_name = $1 AND body ->> 'kind' = 'rotate' ORDER BY seq`);

async function insertNext(
  tx: Transaction,
  log: LogName,
  entries: readonly LogEntry[],
  body: EntryBody,
  { hash, sign }: Signing,
): Promise<LogEntry> {
  const unsigned = proposeEntry(log, entries, body);
  const entryHash = hash(encodeEntry(unsigned));
  const entry: LogEntry = { ...unsigned, hash: entryHash, signature: await sign(currentKey(entries), entryHash) };
  await insert(tx, entry);
  return entry;
}

/** Brings in those of `keys` that the log has not walked by. */
async function walk(
  tx: Transaction,
  log: LogName,
  known: readonly LogEntry[],
  keys: readonly LogKey[],
  signing: Signing,
): Promise<LogEntry[]> {
  const entries = [...known];
  for (const key of keys.filter((each) => !keysOf(known).includes(each))) {
    const place = { ...log, seq: nextSeq(entries), previousHash: headHash(entries) };
    const body = await introduceKey(place, key, signing.hash, signing.sign);
    entries.push(await insertNext(tx, log, entries, body, signing));
  }
  return entries;
}

async function append(tx: Transaction, log: LogName, appending: Appending): Promise<LogEntry> {
  const { body, expectedSeq } = appending;
  await requireCluster(tx, log.cluster);
  const known = await readEntries(tx, log);
  const seq = nextSeq(known);
  if (expectedSeq !== undefined && expectedSeq !== seq) {
    const message = `The next entry is #${seq}, not #${expectedSeq}: somebody appended meanwhile, look at the load order again.`;
    throw new LockstepError('refused', 'seq-taken', message, { expected: expectedSeq, next: seq });
  }
  const entries = known.length > 0 ? known : await walk(tx, log, [], await readKeys(tx, log.cluster), appending);
  return insertNext(tx, log, entries, body(entries), appending);
}

async function rotate(tx: Transaction, cluster: ClusterName, rotating: Rotating): Promise<LogEntry[]> {
  await requireCluster(tx, cluster);
  const begun = await readKernelBuilds(tx, cluster);
  const keys = [...(await readKeys(tx, cluster)), rotating.key];
  const added: LogEntry[] = [];
  for (const kernelBuild of new Set([...begun, ...rotating.also])) {
    const log = { cluster, kernelBuild };
    const walked = await walk(tx, log, await readEntries(tx, log), keys, rotating);
    added.push(...walked.slice(-1));
  }
  return added;
}

export function loadOrderStore(db: Client, prepared: Prepared): LoadOrderStore {
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
    kernelBuilds: (cluster) => readKernelBuilds(db, cluster),
    keys: async (cluster) => furthestKeys(await prepared.ask(rotations, [cluster])),
    async loads(cluster, artifact) {
      // As the index has it.
      const rows = await db.$queryRaw<{ loads: boolean }[]>`SELECT EXISTS (
        SELECT 1 FROM log_entries
        WHERE cluster_name = ${cluster} AND body -> 'artifact' ->> 'sha256' = ${artifact}) AS loads`;
      return rows[0]?.loads === true;
    },
    append: (log, appending) => serialisable(db, (tx) => once(tx, appending.call, () => append(tx, log, appending))),
    rotate: (cluster, rotating) =>
      serialisable(db, (tx) => once(tx, rotating.call, () => rotate(tx, cluster, rotating))),
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
