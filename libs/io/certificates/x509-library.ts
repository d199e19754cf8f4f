// SPDX-License-Identifier: GPL-2.0-only
import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto, type KeyObject } from 'node:crypto';
import { LockstepError } from '@lockstep/domain/livepatch-model';

type X509Library = typeof import('@peculiar/x509');

/** ECDSA P-256 with SHA-256: small, fast to verify, in every TLS stack. */
export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Loaded on first use: an agent that has its certificate never pays for it. */
export function x509Library(): X509Library {
  /* eslint-disable @typescript-eslint/no-require-imports */
  require('reflect-metadata');
  return require('@peculiar/x509') as X509Library;
  /* eslint-enable @typescript-eslint/no-require-imports */
}

/** A new P-256 private key as PKCS#8 PEM. */
export function generatePrivateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const toDer = (key: KeyObject, type: 'pkcs8' | 'spki'): Buffer => key.export({ type, format: 'der' } as never) as never;

/** The WebCrypto pair of a PKCS#8 PEM private key. */
export async function keyPairFrom(privateKeyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const { subtle } = webcrypto;
  return {
    privateKey: await subtle.importKey('pkcs8', toDer(privateKey, 'pkcs8'), keyAlgorithm, true, ['sign']),
    publicKey: await subtle.importKey('spki', toDer(publicKey, 'spki'), keyAlgorithm, true, ['verify']),
  };
}

/** Runs a parser of foreign bytes. @throws LockstepError `invalid-input` with `reason` for whatever it throws. */
export function parseForeign<T>(what: string, reason: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new LockstepError('invalid-input', reason, `This is not a ${what} in PEM form.`, { what }, { cause });
  }
}
