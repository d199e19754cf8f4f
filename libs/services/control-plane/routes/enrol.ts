// SPDX-License-Identifier: GPL-2.0-only
import { EnrolmentServiceService, type EnrolRequest, type EnrolResponse } from '@lockstep/contracts/generated';
import { parseJoinToken } from '@lockstep/contracts/wire';
import { inCluster } from '@lockstep/domain/access';
import { readCertificateRequest, secretSha256 } from '@lockstep/io/certificates';
import { certificateSuperseded } from '../agents/peer-identity';
import { detailsOf, eventOf } from '../audit/call-audit';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';

/** Makes a machine a node: one token, one key, one certificate, however often the same machine has to ask. */
export async function enrol(
  {
    db,
    nodes,
    calls,
    replica,
    authority,
    config,
    audit,
  }: Uses<'db.joinTokens' | 'db.loadOrders' | 'nodes' | 'calls' | 'replica' | 'authority' | 'config' | 'audit'>,
  request: EnrolRequest,
  { caller, metadata }: CallContext,
): Promise<EnrolResponse> {
  const { secret, caPinSha256 } = parseJoinToken(request.joinToken);
  const proof = { secretSha256: secretSha256(secret), now: new Date() };
  // Anybody can reach this call: only who holds a token has a parser work for them.
  const token = await db.joinTokens.requireGood(proof.secretSha256, proof.now);
  const key = readCertificateRequest(request.certificateRequest);
  const { cluster, node, certificatePem } = await db.joinTokens.redeem({
    ...proof,
    token,
    publicKeySha256: key.publicKeySha256,
    machine: request.node,
    certify: (name) => authority.issueNodeCertificate(key, name),
    audit: (enrolment) => ({
      ...eventOf({
        path: EnrolmentServiceService.enrol.path,
        caller,
        metadata,
        resource: inCluster(enrolment.cluster),
      }),
      details: detailsOf({ node: enrolment.node, publicKeySha256: key.publicKeySha256 }),
      result: 'done',
    }),
  });
  audit.wake();
  const before = nodes.find(node);
  await nodes.refresh(node);
  // Another machine has its name now: what is under way for the one before, as a download, ends.
  if (before !== undefined && nodes.find(node)?.certificateFingerprint !== before.certificateFingerprint) {
    calls.endOf(node, certificateSuperseded(node));
  }
  replica.announce({ kind: 'node', node });
  const { trusted, anchor } = authority.succession;
  const logKeys = await db.loadOrders.keys(cluster);
  return {
    certificate: certificatePem,
    // By the pin of its token the machine has found whom it speaks with: it insists on that one.
    caCertificate: (trusted.find(({ pinSha256 }) => pinSha256 === caPinSha256) ?? anchor).certificatePem,
    caCertificates: authority.trustedPem,
    logPublicKey: authority.logSigner.publicKeyPem,
    newestLogPublicKey: logKeys.at(-1) ?? '',
    cluster,
    node,
    // No host of its own: the one that the agent reached us by.
    agentAddress: config.agentAddress ?? `0.0.0.0:${config.agentPort}`,
  };
}
