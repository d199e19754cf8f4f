// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import type { Identity } from '@lockstep/domain/access';
import { LockstepError, parseNodeName, type NodeName } from '@lockstep/domain/livepatch-model';
import { readCertifiedKey } from '@lockstep/io/certificates';
import type { NodeRecord } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Peer } from '../grpc/tls-front';
import type { KnownNodes } from './known-nodes';

const hourMs = 3_600_000;

/** In whole hours, at least one: a machine's clock is off by a time zone more often than by minutes. */
const hours = (ms: number): string => `${Math.max(1, Math.round(ms / hourMs))} h`;

/** What a certificate says, as far as anybody asks. */
interface ShownCertificate {
  /** That we certified: as a DNS name, or of older certificates as the common name. */
  readonly name: string;
  readonly keySha256: string;
  readonly sha256: string;
  readonly notAfter: Date;
}

/** By the bytes that a connection's peer has shown: each call asks again who calls. */
const shownBefore = new WeakMap<Buffer, ShownCertificate>();

function readShown(raw: Buffer): ShownCertificate {
  const before = shownBefore.get(raw);
  if (before !== undefined) return before;
  const { publicKeyDer, dnsName, commonName, notAfter } = readCertifiedKey(raw);
  const shown = {
    name: dnsName ?? commonName ?? '',
    keySha256: sha256OfBytes(publicKeyDer),
    sha256: sha256OfBytes(raw),
    notAfter,
  };
  shownBefore.set(raw, shown);
  return shown;
}

/** Until when a certificate is good that a connection's peer has shown. @throws LockstepError as `readCertifiedKey`. */
export const certificateEnd = (raw: Buffer): Date => readShown(raw).notAfter;

/** Why a certificate that is not of our making, or not of this time, is no good. @throws always, but for one that has expired. */
function insistOnlyExpired(fault: string, raw: Buffer, nowMs: number): void {
  if (fault === 'CERT_HAS_EXPIRED') return;
  if (fault === 'CERT_NOT_YET_VALID') {
    const begins = new X509Certificate(raw).validFrom;
    const off = hours(Date.parse(begins) - nowMs);
    const message = `This certificate begins at ${begins}, and by the control plane's clock that is ${off} from now: one of the two clocks is off.`;
    throw new LockstepError('unauthenticated', 'certificate-not-yet-valid', message, { begins, nowMs });
  }
  const message = `This certificate is not of this control plane's authority (${fault}): the node belongs to another one, or must join again.`;
  throw new LockstepError('unauthenticated', 'certificate-of-other-ca', message, { fault });
}

/** A key belongs to its node; of an older row the certificate itself does. */
const isOf = ({ certificateFingerprint: known }: NodeRecord, { keySha256, sha256 }: ShownCertificate): boolean =>
  known === keySha256 || known === sha256;

/**
 * The node at the other end, by its certificate alone; one whose certificate has expired may have it renewed and nothing else.
 * @throws LockstepError `unauthenticated` without a good certificate; `forbidden` `unknown-node`, `certificate-revoked`,
 * `certificate-superseded`.
 */
export function identifyPeer(
  nodes: Pick<KnownNodes, 'find'>,
  { certificate: raw, fault }: Peer,
  nowMs: number,
): Extract<Identity, { kind: 'node' }> {
  if (raw === undefined) {
    const message = 'A node speaks with its own certificate: enrol first.';
    throw new LockstepError('unauthenticated', 'no-certificate', message);
  }
  if (fault !== undefined) insistOnlyExpired(fault, raw, nowMs);
  const shown = readShown(raw);
  const name = parseNodeName(shown.name);
  const node = nodes.find(name);
  if (node === undefined) {
    const message = `Node "${name}" is not known here: enrol it again with \`lockstep node join\`.`;
    throw new LockstepError('forbidden', 'unknown-node', message, { node: name });
  }
  if (!isOf(node, shown)) throw certificateSuperseded(name);
  if (node.revokedAt !== null) throw certificateRevoked(node.name);
  return { kind: 'node', node: name, cluster: node.cluster, certificate: fault === undefined ? 'good' : 'expired' };
}

export function certificateSuperseded(node: NodeName): LockstepError {
  const message = `Node "${node}" has enrolled again since; this certificate is no longer its own.`;
  return new LockstepError('forbidden', 'certificate-superseded', message, { node });
}

export function certificateRevoked(node: NodeName): LockstepError {
  const message = `The certificate of node "${node}" was revoked: only a new enrolment, with a new key, makes it a node again (lockstep node join).`;
  return new LockstepError('forbidden', 'certificate-revoked', message, { node });
}

/** What the holder of an expired certificate is told who asks for more than a new one. */
export function certificateExpired(raw: Buffer | undefined, nowMs: number): LockstepError {
  const validTo = raw === undefined ? '' : new X509Certificate(raw).validTo;
  const message = `This node's certificate expired at ${validTo}, ${hours(nowMs - Date.parse(validTo))} ago by the control plane's clock: have it renewed.`;
  return new LockstepError('unauthenticated', 'certificate-expired', message, { expired: validTo });
}
