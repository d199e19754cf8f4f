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
  { nodes, authority, log }: Uses<'nodes' | 'authority' | 'log'>,
  { name, certificateFingerprint }: NodeRecord,
  certificate: Buffer,
): Promise<RenewCertificateResponse> {
  const key = certificateKey(certificate);
  if (certificateFingerprint !== key.publicKeySha256) await nodes.bindKey(name, key.publicKeySha256);
  log.info({ node: name }, 'certificate renewed');
  return {
    certificate: await authority.issueNodeCertificate(key, name),
    caCertificates: authority.certificatePem,
  };
}
