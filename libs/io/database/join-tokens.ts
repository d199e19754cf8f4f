// SPDX-License-Identifier: GPL-2.0-only
import type { AuditEvent } from '@lockstep/domain/audit';
import { matchesNamePattern } from '@lockstep/domain/access';
import { LockstepError, parseNodeName, type ClusterName, type NodeName } from '@lockstep/domain/livepatch-model';
import { storableText } from '@lockstep/platform/runtime';
import { addAuditEvent } from './audit';
import { transactionLimits, type Client, type Transaction } from './client';
import { requireCluster } from './clusters';
import { Statement, type Prepared } from './prepared';

export interface NewJoinToken {
  readonly secretSha256: string;
  readonly cluster: ClusterName;
  readonly node: NodeName;
  readonly expiresAt: Date;
}

/** With which many machines become nodes, each under its own name. */
export interface NewBulkJoinToken {
  readonly secretSha256: string;
  readonly cluster: ClusterName;
  /** What their names look like. */
  readonly allow: string;
  readonly count: number;
  readonly expiresAt: Date;
}

export interface Enrolment {
  readonly cluster: ClusterName;
  readonly node: NodeName;
  readonly certificatePem: string;
}

/** One that was good when it was looked up: for one machine, or for many. */
export type GoodToken =
  { readonly of: 'one'; readonly cluster: ClusterName; readonly node: NodeName } | { readonly of: 'many' };

export interface Redemption {
  readonly secretSha256: string;
  readonly token: GoodToken;
  /** Of the key in the certificate request. */
  readonly publicKeySha256: string;
  /** What the machine is called; only a token for many looks at it. */
  readonly machine: string;
  readonly now: Date;
  /** Makes the node's certificate (PEM), of that key. */
  readonly certify: (node: NodeName) => string | Promise<string>;
  /** What is written down of it, in the same transaction. */
  readonly audit: (enrolment: Pick<Enrolment, 'cluster' | 'node'>) => AuditEvent;
}

export interface JoinTokenStore {
  /** Forgets those that have expired. @throws LockstepError when the cluster is unknown or the node is in another one. */
  create(token: NewJoinToken): Promise<void>;
  /** @throws LockstepError when the cluster is unknown. */
  createBulk(token: NewBulkJoinToken): Promise<void>;
  /** Cheap, before anything else of the request is looked at. @throws LockstepError `unauthenticated` `join-token-refused`. */
  requireGood(secretSha256: string, now: Date): Promise<GoodToken>;
  /**
   * Makes the token's machine its node, once. The same key asking again gets the same certificate: the answer may
   * have been lost. A token for many makes no node anew that another machine is. Tokens that made this node before are
   * good for nothing from then on.
   * @throws LockstepError `unauthenticated` `join-token-refused`; `refused` `key-revoked`, `node-exists`, `node-name-not-allowed`.
   */
  redeem(redemption: Redemption): Promise<Enrolment>;
}

/** One message for all, so that guessing tells nothing. */
function refused(): LockstepError {
  return new LockstepError(
    'unauthenticated',
    'join-token-refused',
    'The join token is unknown, used or expired: make a new one with `lockstep node join`.',
  );
}

/** Who took a key keeps it, however its machine is called: only another key makes a node again. */
function keyRevoked(node: string, revokedAt: Date): LockstepError {
  const message =
    `The key of this machine was revoked at ${revokedAt.toISOString()}, as that of node "${node}": it joins with a new ` +
    'one alone. Remove node.key and identity.json from the state folder of its agent, and start that with a join token.';
  return new LockstepError('refused', 'key-revoked', message, { node });
}

async function insistNotRevoked(tx: Transaction, certificateFingerprint: string): Promise<void> {
  const revoked = await tx.revokedKey.findUnique({ where: { certificateFingerprint } });
  if (revoked !== null) throw keyRevoked(revoked.nodeName, revoked.revokedAt);
}

/** What is done to one node by tokens is done one after the other: together they would be repeated, and nodes of others with them. */
async function lockNode(tx: Transaction, node: NodeName): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`join:${node}`}, 0))`;
  // Who revokes or removes it waits, or has done so by now.
  await tx.$executeRaw`SELECT 1 FROM nodes WHERE name = ${node} FOR UPDATE`;
}

function inOtherCluster(node: NodeName, cluster: string): LockstepError {
  const message = `Node "${node}" is in cluster "${cluster}": a node is in exactly one, choose another name.`;
  return new LockstepError('refused', 'node-in-other-cluster', message, { node, cluster });
}

async function checkMembership(tx: Transaction, cluster: ClusterName, node: NodeName): Promise<void> {
  const present = await tx.node.findUnique({ where: { name: node } });
  if (present !== null && present.clusterName !== cluster) throw inOtherCluster(node, present.clusterName);
}

interface BulkRow {
  readonly cluster_name: string;
  readonly allow: string;
  readonly left: number;
  readonly expires_at: Date;
}

/** One of many, one after the other: the token's row is locked, and no two of them are repeated. */
async function enrolOneOfMany(db: Client, redemption: Redemption): Promise<Enrolment> {
  return db.$transaction(async (tx) => {
    const { secretSha256, publicKeySha256, now } = redemption;
    const [token] = await tx.$queryRaw<BulkRow[]>`
      SELECT cluster_name, allow, "left", expires_at FROM bulk_join_tokens WHERE secret_sha256 = ${secretSha256} FOR UPDATE`;
    if (token === undefined || token.expires_at <= now) throw refused();
    const node = parseNodeName(redemption.machine);
    await lockNode(tx, node);
    await insistNotRevoked(tx, publicKeySha256);
    const cluster = token.cluster_name as ClusterName;
    if (!matchesNamePattern(token.allow, node)) {
      const message = `This token is for nodes named ${token.allow}, and this machine is called "${node}": give it such a name (LOCKSTEP_AGENT_NODE).`;
      throw new LockstepError('refused', 'node-name-not-allowed', message, { node, allow: token.allow });
    }
    const present = await tx.node.findUnique({ where: { name: node } });
    if (present !== null && (present.certificateFingerprint !== publicKeySha256 || present.clusterName !== cluster)) {
      const message = `There is a node "${node}" already: a token for many takes nobody's place. Make one for this node alone (lockstep node join ${node}), or remove it.`;
      throw new LockstepError('refused', 'node-exists', message, { node });
    }
    const certificatePem = await redemption.certify(node);
    if (present !== null) return { cluster, node, certificatePem };
    if (token.left === 0) throw refused();
    await tx.bulkJoinToken.update({ where: { secretSha256 }, data: { left: { decrement: 1 } } });
    const enrolled = { name: node, clusterName: cluster, certificateFingerprint: publicKeySha256, enrolledAt: now };
    await tx.node.create({ data: enrolled });
    await addAuditEvent(tx, redemption.audit({ cluster, node }));
    return { cluster, node, certificatePem };
  }, transactionLimits);
}

/** As `redeem_join_token` of the database has it. */
interface RedeemedRow {
  readonly outcome: 'enrolled' | 'refused' | 'key-revoked' | 'node-in-other-cluster';
  readonly pem: string | null;
  readonly other_cluster: string | null;
  readonly revoked_node: string | null;
  readonly revoked_at: Date | null;
}

const redeem = new Statement<RedeemedRow>(`
  SELECT outcome, pem, other_cluster, revoked_node, revoked_at
  FROM redeem_join_token($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`);

/** All of it is one statement: what it costs is mostly waiting for answers and being woken by them. */
async function enrolOne(
  { ask }: Prepared,
  { cluster, node }: Extract<GoodToken, { of: 'one' }>,
  redemption: Redemption,
): Promise<Enrolment> {
  const { secretSha256, publicKeySha256, now, certify } = redemption;
  const certificatePem = await certify(node);
  const { who, token, from, call, on, details, because, result } = redemption.audit({ cluster, node });
  const [redeemed] = await ask(redeem, [
    ...[secretSha256, publicKeySha256, certificatePem, now],
    ...[who, token, from, call, on, storableText(details), storableText(because), result],
  ]);
  switch (redeemed?.outcome) {
    case 'enrolled':
      return { cluster, node, certificatePem: redeemed.pem ?? '' };
    case 'key-revoked':
      throw keyRevoked(redeemed.revoked_node ?? '', redeemed.revoked_at ?? now);
    case 'node-in-other-cluster':
      throw inOtherCluster(node, redeemed.other_cluster ?? '');
    case 'refused':
    case undefined:
      throw refused();
  }
}

interface GoodRow {
  readonly cluster_name: string | null;
  readonly node_name: string | null;
}

const goodToken = new Statement<GoodRow>(`
  SELECT cluster_name, node_name FROM join_tokens WHERE secret_sha256 = $1 AND expires_at > $2
  UNION ALL SELECT NULL, NULL FROM bulk_join_tokens WHERE secret_sha256 = $1 AND expires_at > $2`);

export function joinTokenStore(db: Client, prepared: Prepared): JoinTokenStore {
  return {
    async create({ secretSha256, cluster, node, expiresAt }) {
      await db.$transaction(async (tx) => {
        await lockNode(tx, node);
        await requireCluster(tx, cluster);
        await checkMembership(tx, cluster, node);
        await tx.joinToken.create({ data: { secretSha256, clusterName: cluster, nodeName: node, expiresAt } });
      }, transactionLimits);
      await db.$executeRaw`DELETE FROM join_tokens WHERE expires_at < now()`;
    },
    async createBulk({ secretSha256, cluster, allow, count, expiresAt }) {
      await requireCluster(db, cluster);
      await db.bulkJoinToken.create({ data: { secretSha256, clusterName: cluster, allow, left: count, expiresAt } });
      await db.$executeRaw`DELETE FROM bulk_join_tokens WHERE expires_at < now()`;
    },
    async requireGood(secretSha256, now) {
      const [found] = await prepared.ask(goodToken, [secretSha256, now]);
      if (found === undefined) throw refused();
      const { cluster_name: cluster, node_name: node } = found;
      if (cluster === null || node === null) return { of: 'many' };
      return { of: 'one', cluster: cluster as ClusterName, node: node as NodeName };
    },
    redeem: (redemption) =>
      redemption.token.of === 'one' ? enrolOne(prepared, redemption.token, redemption) : enrolOneOfMany(db, redemption),
  };
}
