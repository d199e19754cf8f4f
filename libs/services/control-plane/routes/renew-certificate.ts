// SPDX-License-Identifier: GPL-2.0-only
import type { RenewCertificateResponse } from '@lockstep/contracts/generated';
import { certificateKey } from '@lockstep/io/certificates';
import type { NodeRecord } from '@lockstep/io/database';
import type { Uses } from '../services';

/**
 * The same key for another month: whoever calls has just proved that it has it. Of a node that enrolled before there were
 * renewals the key is known from now on.
 */
export async function renewCertificate(
  { nodes, replica, authority, log }: Uses<'nodes' | 'replica' | 'authority' | 'log'>,
  node: NodeRecord,
  certificate: Buffer,
): Promise<RenewCertificateResponse> {
  const key = certificateKey(certificate);
  if (node.certificateFingerprint !== key.publicKeySha256) {
    await nodes.bindKey(node, key.publicKeySha256);
    replica.announce({ kind: 'node', node: node.name });
  }
  log.info({ node: node.name }, 'certificate renewed');
  return {
    certificate: authority.issueNodeCertificate(key, node.name),
    caCertificates: authority.trustedPem,
  };
}
