// SPDX-License-Identifier: GPL-2.0-only
import {
  certificateFingerprint,
  createCertificateRequest,
  openCertificateAuthority,
  readCertificateRequest,
} from '@lockstep/io/certificates';
import { parseNodeName } from '@lockstep/domain/livepatch-model';

export interface GivenIdentity {
  readonly node: string;
  readonly certificate: string;
  readonly key: string;
  /** As the database knows the node, in every version. */
  readonly fingerprint: string;
}

/** Certificates by the control plane's own authority, as if the nodes had enrolled. One key serves all. */
export async function giveIdentities(keysDir: string, nodes: readonly string[]): Promise<GivenIdentity[]> {
  const authority = await openCertificateAuthority({ dir: keysDir, names: [], mayMakeKeys: false });
  const { privateKeyPem, requestPem } = await createCertificateRequest();
  const key = readCertificateRequest(requestPem);
  const identities: GivenIdentity[] = [];
  for (const node of nodes) {
    const certificate = authority.issueNodeCertificate(key, parseNodeName(node));
    identities.push({ node, certificate, key: privateKeyPem, fingerprint: certificateFingerprint(certificate) });
  }
  return identities;
}
