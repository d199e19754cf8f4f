// SPDX-License-Identifier: GPL-2.0-only
import type { AuditEvent } from '@lockstep/domain/audit';
import { LockstepError, type ClusterName, type NodeName } from '@lockstep/domain/livepatch-model';
import { addAuditEvent } from './audit';
import { serialisable, type Client, type Transaction } from './client';
import { requireCluster } from './clusters';
import { Prisma, type JoinToken as TokenRow } from './generated/client';

export interface NewJoinToken {
  readonly secretSha256: string;
  readonly cluster: ClusterName;
  readonly node: NodeName;
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
  readonly now: Date;
  /** Makes the node's certificate; may be called more than once. */
  readonly certify: (node: NodeName) => Promise<IssuedCertificate>;
  /** What is written down of it, in the same transaction. */
  readonly audit: (enrolment: Pick<Enrolment, 'cluster' | 'node'>) => AuditEvent;
}

export interface JoinTokenStore {
  /** Forgets those that have expired. @throws LockstepError when the cluster is unknown or the node is in another one. */
  create(token: NewJoinToken): Promise<void>;
  /** Cheap, before anything else of the request is looked at. @throws LockstepError `unauthenticated` `join-token-refused`. */
  insistGood(secretSha256: string, now: Date): Promise<void>;
  /**
   * Makes the token's machine its node, once. The same key asking again gets the same certificate: the answer may
   * have been lost. Tokens that made this node before are good for nothing from then on. @throws LockstepError `unauthenticated` `join-token-refused`.
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

async function checkMembership(tx: Transaction, cluster: ClusterName, node: NodeName): Promise<void> {
  const present = await tx.node.findUnique({ where: { name: node } });
  if (present === null || present.clusterName === cluster) return;
  const message = `Node "${node}" is in cluster "${present.clusterName}": a node is in exactly one, choose another name.`;
  throw new LockstepError('refused', 'node-in-other-cluster', message, { node, cluster: present.clusterName });
}

async function enrol(tx: Transaction, token: TokenRow, redemption: Redemption): Promise<Enrolment> {
  const node = token.nodeName as NodeName;
  const cluster = token.clusterName as ClusterName;
  await checkMembership(tx, cluster, node);
  const { certificatePem, fingerprint } = await redemption.certify(node);
  // The certificate that came of it is superseded now, and nobody is to be handed it again.
  await tx.joinToken.deleteMany({
    where: { nodeName: node, usedAt: { not: null }, secretSha256: { not: token.secretSha256 } },
  });
  await tx.joinToken.update({
    where: { secretSha256: token.secretSha256 },
    data: { usedAt: redemption.now, publicKeySha256: redemption.publicKeySha256, certificatePem },
  });
  await tx.node.upsert({
    where: { name: node },
    create: { name: node, clusterName: cluster, certificateFingerprint: fingerprint, enrolledAt: redemption.now },
    // Another machine, or another life of it: what the one before reported is not its own, nor may it still report.
    update: {
      ...{ certificateFingerprint: fingerprint, enrolledAt: redemption.now },
      ...{ report: Prisma.DbNull, bootId: null, revokedAt: null, reportedLabels: {}, sessionEpoch: { increment: 1 } },
    },
  });
  await addAuditEvent(tx, redemption.audit({ cluster, node }));
  return { cluster, node, certificatePem };
}

export function joinTokenStore(db: Client): JoinTokenStore {
  return {
    async create({ secretSha256, cluster, node, expiresAt }) {
      await serialisable(db, async (tx) => {
        await requireCluster(tx, cluster);
        await checkMembership(tx, cluster, node);
        await tx.joinToken.create({ data: { secretSha256, clusterName: cluster, nodeName: node, expiresAt } });
      });
      await db.$executeRaw`DELETE FROM join_tokens WHERE expires_at < now()`;
    },
    async insistGood(secretSha256, now) {
      if ((await db.joinToken.count({ where: { secretSha256, expiresAt: { gt: now } } })) === 0) throw refused();
    },
    redeem: (redemption) =>
      serialisable(db, async (tx) => {
        const token = await tx.joinToken.findUnique({ where: { secretSha256: redemption.secretSha256 } });
        if (token === null || token.expiresAt <= redemption.now) throw refused();
        if (token.usedAt === null) return enrol(tx, token, redemption);
        const sameKey = token.publicKeySha256 === redemption.publicKeySha256;
        if (!sameKey || token.certificatePem === null) throw refused();
        return {
          cluster: token.clusterName as ClusterName,
          node: token.nodeName as NodeName,
          certificatePem: token.certificatePem,
        };
      }),
  };
}
