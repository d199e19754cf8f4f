// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import type { NodeTrust } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { certificatePin } from '@lockstep/platform/runtime';

/** Far more than take each other's place at once. */
const mostAuthorities = 8;

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * Whom a control plane says to trust from now on: it is kept, and a node that trusts nobody meets no control plane any more.
 * @returns PEM, one after the other. @throws LockstepError `invalid-input` `bad-authorities`.
 */
export function readAuthorities(pem: string): string {
  const refuse = (why: string, cause?: unknown): LockstepError =>
    new LockstepError(
      'invalid-input',
      'bad-authorities',
      `The authorities that were sent cannot be used: ${why}.`,
      {},
      { cause },
    );
  let certificates: X509Certificate[];
  try {
    certificates = certificatesIn(pem);
  } catch (cause) {
    throw refuse('one is no certificate', cause);
  }
  if (certificates.length === 0 || certificates.length > mostAuthorities)
    throw refuse(`there are ${certificates.length}`);
  if (!certificates.every((each) => each.ca)) throw refuse('one may certify nobody');
  return certificates.map((each) => each.toString()).join('');
}

/** What a node says of whom it trusts, and of whose its own certificate is. */
export function trustOf({ ca, certificate }: { readonly ca: string; readonly certificate: string }): NodeTrust {
  const trusted = certificatesIn(ca);
  const own = new X509Certificate(certificate);
  const issuer = trusted.find((each) => own.verify(each.publicKey));
  return {
    authorities: trusted.map((each) => certificatePin(each.raw)),
    certifiedBy: issuer === undefined ? '' : certificatePin(issuer.raw),
  };
}
