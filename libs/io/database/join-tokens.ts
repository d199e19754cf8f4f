// SPDX-License-Identifier: GPL-2.0-only
import type { AuditEvent } from '@lockstep/domain/audit';
import { matchesNamePattern } from '@lockstep/domain/access';
import { LockstepError, parseNodeName, type ClusterName, type NodeName } from '@lockstep/domain/livepatch-model';
import { addAuditEvent } from './audit';
import { transactionLimits, type Client, type Transaction } from './client';
import { requireCluster } from './clusters';
import type { JoinToken as TokenRow } from './generated/client';

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

export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly fingerprint: string;
}

export interface Enrolment {
  readonly cluster: ClusterName;
  readonly node: NodeName;
  readonly certificatePem: string;
}

export interface Redemption {
  readonly secretSha256: string;
  /** Of the key in the certificate request. */
  readonly publicKeySha256: string;
  /** What the machine is called; only a token for many looks at it. */
  readonly machine: string;
  readonly now: Date;
  /** Makes the node's certificate; may be called more than once. */
  readonly certify: (node: NodeName) => IssuedCertificate | Promise<IssuedCertificate>;
  /** What is written down of it, in the same transaction. */
  readonly audit: (enrolment: Pick<Enrolment, 'cluster' | 'node'>) => AuditEvent;
}

export interface JoinTokenStore {
  /** Forgets those that have expired. @throws LockstepError when the cluster is unknown or the node is in another one. */
  create(token: NewJoinToken): Promise<void>;
  /** @throws LockstepError when the cluster is unknown. */
  createBulk(token: NewBulkJoinToken): Promise<void>;
  /** Cheap, before anything else of the request is looked at. @throws LockstepError `unauthenticated` `join-token-refused`. */
  insistGood(secretSha256: string, now: Date): Promise<void>;
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
async function insistNotRevoked(tx: Transaction, certificateFingerprint: string): Promise<void> {
  const revoked = await tx.revokedKey.findUnique({ where: { certificateFingerprint } });
  if (revoked === null) return;
  const { nodeName: node, revokedAt } = revoked;
  const message =
    `The key of this machine was revoked at ${revokedAt.toISOString()}, as that of node "${node}": it joins with a new ` +
    'one alone. Remove node.key and identity.json from the state folder of its agent, and start that with a join token.';
  throw new LockstepError('refused', 'key-revoked', message, { node });
}

/** What is done to one node by tokens is done one after the other: together they would be repeated, and nodes of others with them. */
async function lockNode(tx: Transaction, node: NodeName): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`join:${node}`}, 0))`;
  // Who revokes or removes it waits, or has done so by now.
  await tx.$executeRaw`SELECT 1 FROM nodes WHERE name = ${node} FOR UPDATE`;
}

async function checkMembership(tx: Transaction, cluster: ClusterName, node: NodeName): Promise<void> {
  const present = await tx.node.findUnique({ where: { name: node } });
  if (present === null || present.clusterName === cluster) return;
  const message = `Node "${node}" is in cluster "${present.clusterName}": a node is in exactly one, choose another name.`;
  throw new LockstepError('refused', 'node-in-other-cluster', message, { node, cluster: present.clusterName });
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
    const { certificatePem, fingerprint } = await redemption.certify(node);
    if (present !== null) return { cluster, node, certificatePem };
    if (token.left === 0) throw refused();
    await tx.bulkJoinToken.update({ where: { secretSha256 }, data: { left: { decrement: 1 } } });
    const enrolled = { name: node, clusterName: cluster, certificateFingerprint: fingerprint, enrolledAt: now };
    await tx.node.create({ data: enrolled });
    await addAuditEvent(tx, redemption.audit({ cluster, node }));
    return { cluster, node, certificatePem };
  }, transactionLimits);
}

async function enrol(tx: Transaction, token: TokenRow, redemption: Redemption): Promise<Enrolment> {
  const node = token.nodeName as NodeName;
  const cluster = token.clusterName as ClusterName;
  const { secretSha256, now, publicKeySha256 } = redemption;
  await checkMembership(tx, cluster, node);
  const { certificatePem, fingerprint } = await redemption.certify(node);
  await tx.$executeRaw`
    WITH superseded AS (
      -- The certificate that came of it is superseded now, and nobody is to be handed it again.
      DELETE FROM join_tokens WHERE node_name = ${node} AND used_at IS NOT NULL AND secret_sha256 <> ${secretSha256}
    ), used AS (
      UPDATE join_tokens SET used_at = ${now}, public_key_sha256 = ${publicKeySha256}, certificate_pem = ${certificatePem}
      WHERE secret_sha256 = ${secretSha256}
    )
    INSERT INTO nodes (name, cluster_name, certificate_fingerprint, enrolled_at)
    VALUES (${node}, ${cluster}, ${fingerprint}, ${now})
    -- Another machine, or another life of it: what the one before reported is not its own, nor may it still report.
    ON CONFLICT (name) DO UPDATE SET certificate_fingerprint = ${fingerprint}, enrolled_at = ${now}, report = NULL,
      boot_id = NULL, revoked_at = NULL, reported_labels = '{}', session_epoch = nodes.session_epoch + 1`;
  await addAuditEvent(tx, redemption.audit({ cluster, node }));
  return { cluster, node, certificatePem };
}

async function redeemOne(tx: Transaction, node: NodeName, redemption: Redemption): Promise<Enrolment> {
  await lockNode(tx, node);
  const { secretSha256 } = redemption;
  // Who takes it back waits, or has done so by now.
  await tx.$executeRaw`SELECT 1 FROM join_tokens WHERE secret_sha256 = ${secretSha256} FOR UPDATE`;
  const token = await tx.joinToken.findUnique({ where: { secretSha256 } });
  if (token === null || token.expiresAt <= redemption.now) throw refused();
  await insistNotRevoked(tx, redemption.publicKeySha256);
  if (token.usedAt === null) return enrol(tx, token, redemption);
  const isSameKey = token.publicKeySha256 === redemption.publicKeySha256;
  if (!isSameKey || token.certificatePem === null) throw refused();
  return { cluster: token.clusterName as ClusterName, node, certificatePem: token.certificatePem };
}

export function joinTokenStore(db: Client): JoinTokenStore {
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
    async insistGood(secretSha256, now) {
      const found = await db.$queryRaw<unknown[]>`
        SELECT 1 FROM join_tokens WHERE secret_sha256 = ${secretSha256} AND expires_at > ${now}
        UNION ALL SELECT 1 FROM bulk_join_tokens WHERE secret_sha256 = ${secretSha256} AND expires_at > ${now}`;
      if (found.length === 0) throw refused();
    },
    async redeem(redemption) {
      const where = { secretSha256: redemption.secretSha256 };
      const token = await db.joinToken.findUnique({ where, select: { nodeName: true } });
      if (token === null) return enrolOneOfMany(db, redemption);
      return db.$transaction((tx) => redeemOne(tx, token.nodeName as NodeName, redemption), transactionLimits);
    },
  };
}
