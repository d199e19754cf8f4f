// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { generatePrivateKey, keyAlgorithm, keyPairFrom, parseForeign, x509Library } from './x509-library';

export interface CertificateRequest {
  /** PKCS#8 PEM; never leaves the machine that made it. */
  readonly privateKeyPem: string;
  /** PKCS#10 PEM, signed with that key. It names nobody: the join token does. */
  readonly requestPem: string;
}

/** A new P-256 key and a certificate request for it; or the request for the key given, so that enrolling can be repeated. */
export async function createCertificateRequest(
  privateKeyPem: string = generatePrivateKey(),
): Promise<CertificateRequest> {
  const { Pkcs10CertificateRequestGenerator } = x509Library();
  const keys = await keyPairFrom(privateKeyPem);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=lockstep-node',
    keys,
    signingAlgorithm: keyAlgorithm,
  });
  return { privateKeyPem, requestPem: request.toString('pem') };
}

/** What a certificate request asks to be certified: its public key, proved to be the asker's. */
export interface ProvenKey {
  readonly publicKeyDer: Uint8Array;
  readonly publicKeySha256: string;
}

/** Characters of PEM; parsing takes far more memory than that. */
const longestRequest = 8192;

/** @throws LockstepError `invalid-input` unless it is a PKCS#10 of a P-256 key, signed with that key. */
export async function readCertificateRequest(requestPem: string): Promise<ProvenKey> {
  if (requestPem.length > longestRequest) {
    const message = `The certificate request has ${requestPem.length} characters; one for a P-256 key has a few hundred.`;
    throw new LockstepError('invalid-input', 'certificate-request-too-large', message, { limit: longestRequest });
  }
  const request = parseForeign('certificate request', 'invalid-certificate-request', () => {
    const { Pkcs10CertificateRequest } = x509Library();
    return new Pkcs10CertificateRequest(requestPem);
  });
  const algorithm = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (algorithm.name !== 'ECDSA' || algorithm.namedCurve !== 'P-256') {
    throw new LockstepError('invalid-input', 'unsupported-key', 'The certificate request must be for a P-256 key.');
  }
  if (!(await request.verify())) {
    throw new LockstepError(
      'invalid-input',
      'invalid-certificate-request',
      'The certificate request is not signed with the key that it names.',
    );
  }
  const publicKeyDer = new Uint8Array(request.publicKey.rawData);
  return { publicKeyDer, publicKeySha256: sha256OfBytes(publicKeyDer) };
}

/** The key that a certificate is for. */
export function certificateKey(certificate: string | Uint8Array): ProvenKey {
  const publicKeyDer = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return { publicKeyDer, publicKeySha256: sha256OfBytes(publicKeyDer) };
}

/** sha256 (hex) of the whole certificate: tells a node's present certificate from one it had before. Takes PEM or DER. */
export function certificateFingerprint(certificate: string | Uint8Array): string {
  return sha256OfBytes(new X509Certificate(certificate).raw);
}
