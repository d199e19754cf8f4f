// SPDX-License-Identifier: GPL-2.0-only
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { readBuildSignature, signedText, withBuildSignature } from '@lockstep/domain/klp-module';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { parseForeign } from './x509-library';

/** Ed25519: PKCS#8 PEM to sign with, SPKI PEM for whoever is to load only what it signed. */
export interface BuildKeyPair {
  readonly privateKeyPem: string;
  readonly publicKeyPem: string;
}

export function createBuildKey(): BuildKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** Vouches for a module: it was built where this key is, be that a file or a token. */
export interface BuildSigner {
  sign(module: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** The key is in memory. */
export interface FileBuildSigner extends BuildSigner {
  sign(module: Uint8Array): Uint8Array;
}

/** @throws LockstepError `invalid-input` `invalid-build-key` */
export function buildSignerOf(privateKeyPem: string): FileBuildSigner {
  const key = ed25519(parseForeign('private key', 'invalid-build-key', () => createPrivateKey(privateKeyPem)));
  return { sign: (module) => withBuildSignature(module, sign(null, signedText(sha256OfBytes(module)), key)) };
}

/** Whether one of the keys has signed this very module. */
export type BuildVerifier = (module: Uint8Array) => boolean;

/**
 * @param publicKeysPem SPKI PEM blocks, any number in each
 * @throws LockstepError `invalid-input` `invalid-build-key`
 */
export function buildVerifierOf(publicKeysPem: readonly string[]): BuildVerifier {
  const blocks = publicKeysPem.flatMap((text) => {
    const found = text.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g);
    if (found === null) throw notAKey('there is no public key (PEM) in it');
    return found;
  });
  const keys = blocks.map((pem) =>
    ed25519(parseForeign('public key', 'invalid-build-key', () => createPublicKey(pem))),
  );
  return (module) => {
    const signed = readBuildSignature(module);
    if (signed === null) return false;
    const text = signedText(sha256OfBytes(signed.content));
    return keys.some((key) => verify(null, text, key, signed.signature));
  };
}

function ed25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'ed25519') throw notAKey(`it is of type ${key.asymmetricKeyType ?? 'unknown'}`);
  return key;
}

const notAKey = (why: string): LockstepError =>
  new LockstepError('invalid-input', 'invalid-build-key', `A build key must be an Ed25519 key: ${why}.`);
