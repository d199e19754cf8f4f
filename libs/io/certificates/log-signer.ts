// SPDX-License-Identifier: GPL-2.0-only
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import {
  parseLogKey,
  type EntrySignature,
  type LogChecks,
  type LogKey,
  type VerifySignature,
} from '@lockstep/domain/load-order';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { parseForeign } from './x509-library';

export interface LogSigner {
  /** Ed25519 SPKI PEM: what agents pin. */
  readonly publicKeyPem: LogKey;
  /** Whether this key signed it. */
  readonly verify: VerifySignature;
  sign(hash: Sha256): EntrySignature;
}

/** @param privateKeyPem Ed25519 PKCS#8 PEM. */
export function createLogSigner(privateKeyPem: string): LogSigner {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKeyPem = parseLogKey(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString());
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

/** What a log brings in may have the form of a key and be none: then nothing is signed by it. */
function verifierOf(key: LogKey): VerifySignature {
  try {
    const publicKey = createPublicKey(key);
    return publicKey.asymmetricKeyType === 'ed25519' ? createLogVerifier(key) : () => false;
  } catch {
    return () => false;
  }
}

/** What logs are checked with that begin with this key, and go on with those that they bring in. @throws LockstepError `invalid-input`. */
export function logChecksOf(firstKeyPem: string): LogChecks {
  const verifiers = new Map<LogKey, VerifySignature>();
  return {
    hash: sha256OfBytes,
    verify: createLogVerifier(firstKeyPem),
    verifyBy: (key, hash, signature) => {
      const verify = verifiers.get(key) ?? verifierOf(key);
      verifiers.set(key, verify);
      return verify(hash, signature);
    },
  };
}
