// SPDX-License-Identifier: GPL-2.0-only
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { EntrySignature, VerifySignature } from '@lockstep/domain/load-order';
import { parseForeign } from './x509-library';

export interface LogSigner {
  /** Ed25519 SPKI PEM: what agents pin. */
  readonly publicKeyPem: string;
  /** Whether this key signed it. */
  readonly verify: VerifySignature;
  sign(hash: Sha256): EntrySignature;
}

/** @param privateKeyPem Ed25519 PKCS#8 PEM. */
export function createLogSigner(privateKeyPem: string): LogSigner {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKeyPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  return {
    publicKeyPem,
    verify: createLogVerifier(publicKeyPem),
    sign: (hash) => sign(null, Buffer.from(hash, 'hex'), privateKey).toString('base64') as EntrySignature,
  };
}

/** Checks signatures against the key that the agent pinned. @throws LockstepError `invalid-input` if it is no key. */
export function createLogVerifier(publicKeyPem: string): VerifySignature {
  const publicKey = parseForeign('public key', 'invalid-log-key', () => createPublicKey(publicKeyPem));
  return (hash, signature) => {
    const bytes = Buffer.from(signature, 'base64');
    return bytes.length === 64 && verify(null, Buffer.from(hash, 'hex'), publicKey, bytes);
  };
}
