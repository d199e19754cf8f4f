// SPDX-License-Identifier: GPL-2.0-only
import { NodeReport } from '@lockstep/contracts/generated';
import type { Labels, NodeLabels } from '@lockstep/domain/labels';
import { LockstepError, type ClusterName, type KernelBuildId, type NodeName } from '@lockstep/domain/livepatch-model';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import { gathered } from './gathered';
import { jsonText } from './json-text';
import { labelsFromRow, labelsToJson } from './node-labels';
import type { Node as NodeRow } from './generated/client';
import { Statement, type Prepared } from './prepared';

export interface NodeRecord {
  readonly name: NodeName;
  readonly cluster: ClusterName;
  readonly certificateFingerprint: string;
  /** Of the certificate that its last stream began with; null until the node has connected once. */
  readonly certificateEndsAt: Date | null;
  /** Null until the node has connected once. */
  readonly kernelBuild: KernelBuildId | null;
  readonly kernelRelease: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly patchedCore: boolean;
  /** Versions of entries that its agent reads; empty where it does not tell them. */
  readonly entryVersions: readonly number[];
  readonly labels: NodeLabels;
  /** Counts the changes of those by operators: of two readings the later one. */
  readonly labelsRevision: number;
  /** Of the stream that may report now. */
  readonly sessionEpoch: number;
  /** The last one, of this boot and enrolment. */
  readonly report: NodeReport | null;
  readonly lastSeenAt: Date | null;
  /** The same by a clock that only goes forward, of this process; absent of one that it has not heard itself. */
  readonly heardAtMs?: number | undefined;
  /** Its certificate is good for nothing since then. */
  readonly revokedAt: Date | null;
  /** The control plane that holds that stream, as far as is known; null: none does. */
  readonly replica: string | null;
  /** Of the version of its row that was read: of two readings the later one. */
  readonly revision: number;
}

/** One stream of one life of a node: epochs begin anew when it was removed and has joined again. */
export type NodeStream = NodeIdentity & Pick<NodeRecord, 'sessionEpoch'>;

/** A stream that has an epoch from now on, and the version of the node's row that says so. */
export interface BegunStream extends Pick<NodeRecord, 'sessionEpoch' | 'revision'> {
  /** The version of the row that this one followed: what was read of that is what the row said until now. */
  readonly revisionBefore: number;
}

/** What a node said last, in a stream. */
export interface NodeWord {
  readonly stream: NodeStream;
  /** Undefined: only that it lives. */
  readonly report: NodeReport | undefined;
  readonly seenAt: Date;
  /** The control plane that holds the stream; null: it has ended. */
  readonly replica: string | null;
}

export type NodeIdentity = Pick<NodeRecord, 'name' | 'certificateFingerprint'>;

/** What a node says of itself when it connects, and shows. */
export interface NodeIntroduction {
  readonly certificateEndsAt: Date;
  readonly kernelBuild: KernelBuildId;
  readonly kernelRelease: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly patchedCore: boolean;
  readonly entryVersions: readonly number[];
  readonly reportedLabels: Labels;
}

/** Its row, but for what is only counted by or written; `revision` as the driver that read it has it. */
type NodeColumns = Omit<NodeRow, 'enrolledAt' | 'changedIn' | 'revision'> & { readonly revision: bigint | string };

export const nodeFromRow = (row: NodeColumns): NodeRecord => ({
  name: row.name as NodeName,
  cluster: row.clusterName as ClusterName,
  certificateFingerprint: row.certificateFingerprint,
  certificateEndsAt: row.certificateEndsAt,
  kernelBuild: row.kernelBuildId as KernelBuildId | null,
  kernelRelease: row.kernelRelease ?? '',
  agentVersion: row.agentVersion ?? '',
  bootId: row.bootId ?? '',
  patchedCore: row.patchedCore,
  entryVersions: row.entryVersions,
  labels: labelsFromRow(row),
  labelsRevision: row.labelsRevision,
  sessionEpoch: row.sessionEpoch,
  report: row.report === null ? null : NodeReport.fromJSON(row.report),
  lastSeenAt: row.lastSeenAt,
  revokedAt: row.revokedAt,
  replica: row.replicaId,
  revision: Number(row.revision),
});

export function unknownNode(name: NodeName): LockstepError {
  const message = `There is no node "${name}": \`lockstep node ls\` lists them, \`node join\` lets a machine become one.`;
  return new LockstepError('not-found', 'unknown-node', message, { node: name });
}

export function nodeRemoved(name: NodeName): LockstepError {
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
   * Begins a stream's epoch: from now on no other stream of the node may have a word kept. What was kept of another boot
   * or kernel is forgotten. Those that come at once go in one statement.
   * @param node as it was identified, by its certificate. @param replica the control plane that holds the stream.
   * @throws LockstepError `forbidden` `node-removed` when it was removed, or enrolled again, since it was identified.
   */
  introduce(node: NodeIdentity, introduction: NodeIntroduction, replica: string): Promise<BegunStream>;
  /**
   * Writes what nodes said last, of all of them in one statement. No node is named twice.
   * @returns the nodes whose stream is the one named; of others nothing is written.
   */
  keep(words: readonly NodeWord[]): Promise<ReadonlySet<NodeName>>;
  /**
   * Forgets the node and its join tokens, used or not. Rollouts that were planned with it keep its name.
   * @returns it as it was. @throws LockstepError `not-found` `unknown-node`.
   */
  remove(name: NodeName, call?: KeptCall<NodeRecord>): Promise<NodeRecord>;
  /**
   * Gives nodes other labels by operators, all of them or none. `change` answers those of a node from now on, and may be
   * called more than once. @returns them as they are now, in that order. @throws LockstepError `not-found` `unknown-node`.
   */
  label(
    names: readonly NodeName[],
    change: (node: NodeRecord) => Labels,
    call?: KeptCall<readonly NodeRecord[]>,
  ): Promise<readonly NodeRecord[]>;
  /** Its key is good for nothing from now on, whatever becomes of the node. @throws LockstepError `not-found` `unknown-node`. */
  revoke(name: NodeName, at: Date, call?: KeptCall<NodeRecord>): Promise<NodeRecord>;
  /** From now on it is known by this key, unless it has enrolled again or was revoked since it was identified. */
  bindKey(node: NodeIdentity, publicKeySha256: string): Promise<void>;
  /** Those that were last heard of longer ago than their clusters allow. */
  silent(): Promise<NodeName[]>;
  /** As `remove`, unless it has been heard of since: then undefined, and it stays. */
  removeSilent(name: NodeName): Promise<NodeRecord | undefined>;
}

interface Introducing extends NodeIntroduction, NodeIdentity {
  readonly replica: string;
}

interface IntroducedRow {
  readonly name: string;
  readonly session_epoch: number;
  /** As PostgreSQL writes them. */
  readonly revision: string;
  readonly revision_before: string;
}

const introducing = (ifLocked: '' | 'SKIP LOCKED') =>
  new Statement<IntroducedRow>(`UPDATE nodes SET
      session_epoch = nodes.session_epoch + 1,
      last_seen_at = now(),
      -- A report belongs to the boot and the kernel it was made in: of another one it says nothing.
      report = CASE WHEN (nodes.kernel_build_id, nodes.boot_id) = (said."kernelBuild", said."bootId") THEN report END,
      kernel_build_id = said."kernelBuild",
      kernel_release = said."kernelRelease",
      agent_version = said."agentVersion",
      boot_id = said."bootId",
      patched_core = said."patchedCore",
      entry_versions = said."entryVersions",
      reported_labels = said."reportedLabels",
      certificate_ends_at = said."certificateEndsAt",
      replica_id = said.replica
    FROM jsonb_to_recordset($1::jsonb) AS said(
      name text, "certificateFingerprint" text, "kernelBuild" text, "kernelRelease" text, "agentVersion" text,
      "bootId" text, "patchedCore" boolean, "entryVersions" int[], "reportedLabels" jsonb, "certificateEndsAt" timestamptz,
      replica uuid),
      (SELECT name, revision FROM nodes WHERE name = ANY($2) FOR UPDATE ${ifLocked}) AS before
    WHERE nodes.name = said.name AND nodes.name = before.name
      AND nodes.certificate_fingerprint = said."certificateFingerprint" AND nodes.revoked_at IS NULL
    RETURNING nodes.name, nodes.session_epoch, nodes.revision, before.revision AS revision_before`);

/**
 * What becomes of those whose row somebody else is writing: of many they are left out, for together they would all wait for
 * that one; one alone waits.
 */
const introduceMany = introducing('SKIP LOCKED');
const introduceOne = introducing('');

/** The streams that begin; undefined for whom there is no such node, or who was left out. */
async function introduceAll(
  { ask }: Prepared,
  nodes: readonly Introducing[],
  statement: Statement<IntroducedRow>,
): Promise<(BegunStream | undefined)[]> {
  const said = nodes.map(({ reportedLabels, ...rest }) => ({ ...rest, reportedLabels: labelsToJson(reportedLabels) }));
  const rows = await ask(statement, [jsonText(said), nodes.map(({ name }) => name)]);
  const begun = new Map(
    rows.map(({ name, session_epoch: sessionEpoch, revision, revision_before: before }) => [
      name,
      { sessionEpoch, revision: Number(revision), revisionBefore: Number(before) },
    ]),
  );
  return nodes.map(({ name }) => begun.get(name));
}

const keep = new Statement<{ readonly name: string }>(`UPDATE nodes SET
      report = COALESCE(said.report, nodes.report),
      last_seen_at = GREATEST(nodes.last_seen_at, said."seenAt"),
      -- Whoever began the stream alone knows whether it still holds it.
      replica_id = said.replica
    FROM jsonb_to_recordset($1::jsonb) AS said(
      name text, "certificateFingerprint" text, "sessionEpoch" int, "seenAt" timestamptz, replica uuid, report jsonb)
    WHERE nodes.name = said.name AND nodes.session_epoch = said."sessionEpoch"
      AND nodes.certificate_fingerprint = said."certificateFingerprint"
    RETURNING nodes.name`);

async function keepWords({ ask }: Prepared, words: readonly NodeWord[]): Promise<Set<NodeName>> {
  const said = words.map(({ stream: { name, certificateFingerprint, sessionEpoch }, report, seenAt, replica }) => ({
    ...{ name, certificateFingerprint, sessionEpoch, seenAt, replica },
    report: report === undefined ? undefined : NodeReport.toJSON(report),
  }));
  const rows = await ask(keep, [jsonText(said)]);
  return new Set(rows.map(({ name }) => name as NodeName));
}

const mostIntroducedAtOnce = 500;

async function silentNodes(db: Client | Transaction): Promise<NodeName[]> {
  const rows = await db.$queryRaw<{ name: string }[]>`SELECT nodes.name FROM nodes
    JOIN clusters ON clusters.name = nodes.cluster_name
    WHERE COALESCE(last_seen_at, enrolled_at) < now() - make_interval(days => remove_silent_after_days)
    ORDER BY nodes.name`;
  return rows.map(({ name }) => name as NodeName);
}

async function labelRows(
  tx: Transaction,
  names: readonly NodeName[],
  change: (node: NodeRecord) => Labels,
): Promise<NodeRecord[]> {
  const rows = await tx.node.findMany({ where: { name: { in: [...names] } } });
  const present = new Map(rows.map((row) => [row.name, nodeFromRow(row)]));
  const changed = names.map((name) => {
    const node = present.get(name);
    if (node === undefined) throw unknownNode(name);
    const labels = { ...node.labels, assigned: change(node) };
    return { ...node, labels, labelsRevision: node.labelsRevision + 1 };
  });
  const wanted = changed.map(({ name, labels }) => ({ name, assigned: labelsToJson(labels.assigned) }));
  await tx.$executeRaw`UPDATE nodes SET assigned_labels = wanted.assigned, labels_revision = labels_revision + 1
    FROM jsonb_to_recordset(${jsonText(wanted)}::jsonb) AS wanted(name text, assigned jsonb)
    WHERE nodes.name = wanted.name`;
  return changed;
}

async function removeRow(tx: Transaction, name: NodeName): Promise<NodeRecord> {
  const row = await tx.node.findUnique({ where: { name } });
  if (row === null) throw unknownNode(name);
  await tx.joinToken.deleteMany({ where: { nodeName: name } });
  await tx.node.delete({ where: { name } });
  return nodeFromRow(row);
}

/** As Prisma has them. */
const columns = `
  name, cluster_name AS "clusterName", certificate_fingerprint AS "certificateFingerprint",
  certificate_ends_at AS "certificateEndsAt", kernel_build_id AS "kernelBuildId", kernel_release AS "kernelRelease",
  agent_version AS "agentVersion", boot_id AS "bootId", patched_core AS "patchedCore", entry_versions AS "entryVersions",
  reported_labels AS "reportedLabels", assigned_labels AS "assignedLabels", labels_revision AS "labelsRevision",
  session_epoch AS "sessionEpoch", report, last_seen_at AS "lastSeenAt", revoked_at AS "revokedAt",
  replica_id AS "replicaId", revision`;

const findOne = new Statement<NodeColumns>(`SELECT ${columns} FROM nodes WHERE name = $1`);

export function nodeStore(db: Client, prepared: Prepared): NodeStore {
  const find = async (name: NodeName): Promise<NodeRecord | null> => {
    const [row] = await prepared.ask(findOne, [name]);
    return row === undefined ? null : nodeFromRow(row);
  };
  const introduceTogether = gathered<Introducing, BegunStream | undefined>({
    work: (nodes) => introduceAll(prepared, nodes, introduceMany),
    keyOf: ({ name }) => name,
    mostAtOnce: mostIntroducedAtOnce,
  });
  /** Alone it waits for whoever writes its row. */
  const introduceAlone = async (node: Introducing) => (await introduceAll(prepared, [node], introduceOne))[0];
  return {
    async list(cluster) {
      const where = cluster === undefined ? {} : { clusterName: cluster };
      return (await db.node.findMany({ where, orderBy: { name: 'asc' } })).map(nodeFromRow);
    },
    find,
    async require(name) {
      const node = await find(name);
      if (node !== null) return node;
      throw unknownNode(name);
    },
    async introduce({ name, certificateFingerprint }, introduction, replica) {
      const said = { ...introduction, name, certificateFingerprint, replica };
      const begun = (await introduceTogether(said)) ?? (await introduceAlone(said));
      if (begun === undefined) throw nodeRemoved(name);
      return begun;
    },
    keep: (words) => keepWords(prepared, words),
    remove: (name, call) => serialisable(db, (tx) => once(tx, call, () => removeRow(tx, name))),
    label: (names, change, call) => serialisable(db, (tx) => once(tx, call, () => labelRows(tx, names, change))),
    revoke: (name, revokedAt, call) =>
      serialisable(db, (tx) =>
        once(tx, call, async () => {
          const row = await tx.node.findUnique({ where: { name } });
          if (row === null) throw unknownNode(name);
          const { certificateFingerprint } = row;
          const revoked = { certificateFingerprint, nodeName: name, revokedAt };
          await tx.revokedKey.createMany({ data: [revoked], skipDuplicates: true });
          return nodeFromRow(await tx.node.update({ where: { name }, data: { revokedAt } }));
        }),
      ),
    async bindKey({ name, certificateFingerprint: known }, certificateFingerprint) {
      const where = { name, certificateFingerprint: known, revokedAt: null };
      await db.node.updateMany({ where, data: { certificateFingerprint } });
    },
    silent: () => silentNodes(db),
    removeSilent: (name) =>
      serialisable(db, async (tx) => ((await silentNodes(tx)).includes(name) ? removeRow(tx, name) : undefined)),
  };
}
