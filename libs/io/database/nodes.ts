// SPDX-License-Identifier: GPL-2.0-only
import { NodeReport } from '@lockstep/contracts/generated';
import { LockstepError, type ClusterName, type KernelBuildId, type NodeName } from '@lockstep/domain/livepatch-model';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import { Prisma, type Node as NodeRow } from './generated/client';

export interface NodeRecord {
  readonly name: NodeName;
  readonly cluster: ClusterName;
  readonly certificateFingerprint: string;
  /** Null until the node has connected once. */
  readonly kernelBuild: KernelBuildId | null;
  readonly kernelRelease: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly patchedCore: boolean;
  /** Versions of entries that its agent reads; empty where it does not tell them. */
  readonly entryVersions: readonly number[];
  /** Of the stream that may report now. */
  readonly sessionEpoch: number;
  /** The last one, of this boot and enrolment. */
  readonly report: NodeReport | null;
  readonly lastSeenAt: Date | null;
}

export type NodeIdentity = Pick<NodeRecord, 'name' | 'certificateFingerprint'>;

/** One stream of one life of a node: epochs begin anew when it was removed and has joined again. */
export type NodeStream = NodeIdentity & Pick<NodeRecord, 'sessionEpoch'>;

/** What a node says of itself when it connects. */
export interface NodeIntroduction {
  readonly kernelBuild: KernelBuildId;
  readonly kernelRelease: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly patchedCore: boolean;
  readonly entryVersions: readonly number[];
}

const fromRow = (row: NodeRow): NodeRecord => ({
  name: row.name as NodeName,
  cluster: row.clusterName as ClusterName,
  certificateFingerprint: row.certificateFingerprint,
  kernelBuild: row.kernelBuildId as KernelBuildId | null,
  kernelRelease: row.kernelRelease ?? '',
  agentVersion: row.agentVersion ?? '',
  bootId: row.bootId ?? '',
  patchedCore: row.patchedCore,
  entryVersions: row.entryVersions,
  sessionEpoch: row.sessionEpoch,
  report: row.report === null ? null : NodeReport.fromJSON(row.report),
  lastSeenAt: row.lastSeenAt,
});

function unknownNode(name: NodeName): LockstepError {
  const message = `There is no node "${name}": \`lockstep node ls\` lists them, \`node join\` lets a machine become one.`;
  return new LockstepError('not-found', 'unknown-node', message, { node: name });
}

function removedNode(name: NodeName): LockstepError {
  const message = `Node "${name}" was removed, or has enrolled again, since: let it join again (lockstep node join).`;
  return new LockstepError('forbidden', 'node-removed', message, { node: name });
}

export interface NodeStore {
  /** Of one cluster, or of all; by name. */
  list(cluster?: ClusterName): Promise<NodeRecord[]>;
  find(name: NodeName): Promise<NodeRecord | null>;
  /** @throws LockstepError `not-found` `unknown-node`. */
  require(name: NodeName): Promise<NodeRecord>;
  /**
   * Begins a stream's epoch: from now on no other stream of the node reports.
   * @param node as it was identified, by its certificate.
   * @throws LockstepError `unavailable` `replaced` when another one began at the same time; `forbidden` `node-removed`
   * when it was removed, or enrolled again, since it was identified.
   */
  introduce(node: NodeIdentity, introduction: NodeIntroduction): Promise<NodeRecord>;
  /** @returns false, and nothing is written, when another stream or enrolment has come since. */
  report(stream: NodeStream, report: NodeReport): Promise<boolean>;
  /** A sign of life. @returns as `report`. */
  touch(stream: NodeStream): Promise<boolean>;
  /**
   * Forgets the node and its join tokens, used or not. Rollouts that were planned with it keep its name.
   * @returns it as it was. @throws LockstepError `not-found` `unknown-node`.
   */
  remove(name: NodeName, call?: KeptCall<NodeRecord>): Promise<NodeRecord>;
  /** Those that were last heard of longer ago than their clusters allow. */
  silent(): Promise<NodeName[]>;
  /** As `remove`, unless it has been heard of since: then undefined, and it stays. */
  removeSilent(name: NodeName): Promise<NodeRecord | undefined>;
}

async function silentNodes(db: Client | Transaction): Promise<NodeName[]> {
  const rows = await db.$queryRaw<{ name: string }[]>`SELECT nodes.name FROM nodes
    JOIN clusters ON clusters.name = nodes.cluster_name
    WHERE COALESCE(last_seen_at, enrolled_at) < now() - make_interval(days => remove_silent_after_days)
    ORDER BY nodes.name`;
  return rows.map(({ name }) => name as NodeName);
}

async function removeRow(tx: Transaction, name: NodeName): Promise<NodeRecord> {
  const row = await tx.node.findUnique({ where: { name } });
  if (row === null) throw unknownNode(name);
  await tx.joinToken.deleteMany({ where: { nodeName: name } });
  await tx.node.delete({ where: { name } });
  return fromRow(row);
}

export function nodeStore(db: Client): NodeStore {
  const find = async (name: NodeName): Promise<NodeRecord | null> => {
    const row = await db.node.findUnique({ where: { name } });
    return row === null ? null : fromRow(row);
  };
  const write = async (stream: NodeStream, data: { report?: object }): Promise<boolean> => {
    const { name, certificateFingerprint, sessionEpoch } = stream;
    const where = { name, certificateFingerprint, sessionEpoch };
    const { count } = await db.node.updateMany({ where, data: { ...data, lastSeenAt: new Date() } });
    return count === 1;
  };
  return {
    async list(cluster) {
      const where = cluster === undefined ? {} : { clusterName: cluster };
      return (await db.node.findMany({ where, orderBy: { name: 'asc' } })).map(fromRow);
    },
    find,
    async require(name) {
      const node = await find(name);
      if (node !== null) return node;
      throw unknownNode(name);
    },
    async introduce({ name, certificateFingerprint }, { kernelBuild, entryVersions, ...rest }) {
      // The epoch first: what an older stream still writes after this is refused, so it cannot be what is kept below.
      const [before] = await db.node.updateManyAndReturn({
        where: { name, certificateFingerprint },
        data: { sessionEpoch: { increment: 1 }, lastSeenAt: new Date() },
      });
      if (before === undefined) throw removedNode(name);
      // A report belongs to the boot and the kernel it was made in: of another one it says nothing.
      const isSameBoot = before.kernelBuildId === kernelBuild && before.bootId === rest.bootId;
      const data = {
        ...rest,
        kernelBuildId: kernelBuild,
        entryVersions: [...entryVersions],
        ...(isSameBoot ? {} : { report: Prisma.DbNull }),
        lastSeenAt: new Date(),
      };
      const where = { name, certificateFingerprint, sessionEpoch: before.sessionEpoch };
      const [row] = await db.node.updateManyAndReturn({ where, data });
      if (row !== undefined) return fromRow(row);
      throw new LockstepError('unavailable', 'replaced', `Node ${name} has connected again since.`, { node: name });
    },
    remove: (name, call) => serialisable(db, (tx) => once(tx, call, () => removeRow(tx, name))),
    silent: () => silentNodes(db),
    removeSilent: (name) =>
      serialisable(db, async (tx) => ((await silentNodes(tx)).includes(name) ? removeRow(tx, name) : undefined)),
    report: (stream, report) => write(stream, { report: NodeReport.toJSON(report) as object }),
    touch: (stream) => write(stream, {}),
  };
}
