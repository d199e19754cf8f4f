// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { LockstepError, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import type { KnownNodes } from './known-nodes';

/** What TLS has proved of the peer; its chain to our CA is checked before any call is taken. */
export interface PeerCertificate {
  readonly subject: { readonly CN: string | string[] };
  readonly raw: Buffer;
}

/**
 * The node at the other end, by its certificate alone.
 * @throws LockstepError `unauthenticated` without a certificate; `forbidden` `unknown-node` or `certificate-superseded`.
 */
export function identifyPeer(nodes: Pick<KnownNodes, 'find'>, certificate: PeerCertificate | undefined): NodeRecord {
  const commonName = certificate?.subject.CN;
  if (certificate === undefined || typeof commonName !== 'string') {
    throw new LockstepError(
      'unauthenticated',
      'no-certificate',
      'A node speaks with its own certificate: enrol first.',
    );
  }
  const name = parseNodeName(commonName);
  const node = nodes.find(name);
  if (node === undefined) {
    const message = `Node "${name}" is not known here: enrol it again with \`lockstep node join\`.`;
    throw new LockstepError('forbidden', 'unknown-node', message, { node: name });
  }
  if (node.certificateFingerprint === createHash('sha256').update(certificate.raw).digest('hex')) return node;
  const message = `Node "${name}" has enrolled again since; this certificate is no longer its own.`;
  throw new LockstepError('forbidden', 'certificate-superseded', message, { node: name });
}
