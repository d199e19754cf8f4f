// SPDX-License-Identifier: GPL-2.0-only
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { encodeOid, readDer, type DerValue } from './der';
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

const pemForm =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END \1?CERTIFICATE REQUEST-----\s*$/;

/** ECDSA with each of these. */
const digests: readonly (readonly [string, Buffer])[] = [
  ['sha256', encodeOid('1.2.840.10045.4.3.2')],
  ['sha384', encodeOid('1.2.840.10045.4.3.3')],
  ['sha512', encodeOid('1.2.840.10045.4.3.4')],
];

/** A key of ECDSA, on P-256. */
const p256 = Buffer.concat([encodeOid('1.2.840.10045.2.1'), encodeOid('1.2.840.10045.3.1.7')]);

/** PKCS#10 (RFC 2986): what is signed, and the signature. */
interface SignedRequest {
  readonly signed: Uint8Array;
  readonly publicKey: DerValue;
  readonly keyAlgorithm: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

function parseRequest(requestPem: string): SignedRequest {
  const [, , base64] = pemForm.exec(requestPem) ?? [];
  const inside = ({ content }: DerValue): DerValue[] => readDer(content);
  const insist = (value: DerValue | undefined): DerValue => {
    if (value === undefined) throw new Error('A value is missing.');
    return value;
  };
  const [signed, algorithm, bits] = inside(insist(readDer(Buffer.from(base64 ?? '', 'base64'))[0]));
  const publicKey = insist(inside(insist(signed))[2]);
  return {
    signed: insist(signed).whole,
    publicKey,
    keyAlgorithm: insist(inside(publicKey)[0]).content,
    signatureAlgorithm: insist(inside(insist(algorithm))[0]).whole,
    // All bits of the last byte are used.
    signature: insist(bits).content.subarray(1),
  };
}

/** @throws LockstepError `invalid-input` unless it is a PKCS#10 of a P-256 key, signed with that key. */
export function readCertificateRequest(requestPem: string): ProvenKey {
  if (requestPem.length > longestRequest) {
    const message = `The certificate request has ${requestPem.length} characters; one for a P-256 key has a few hundred.`;
    throw new LockstepError('invalid-input', 'certificate-request-too-large', message, { limit: longestRequest });
  }
  const parse = (): SignedRequest => parseRequest(requestPem);
  const request = parseForeign('certificate request', 'invalid-certificate-request', parse);
  if (!p256.equals(request.keyAlgorithm)) {
    throw new LockstepError('invalid-input', 'unsupported-key', 'The certificate request must be for a P-256 key.');
  }
  const publicKeyDer = new Uint8Array(request.publicKey.whole);
  if (!isSignedWith(publicKeyDer, request)) {
    throw new LockstepError(
      'invalid-input',
      'invalid-certificate-request',
      'The certificate request is not signed with the key that it names.',
    );
  }
  return { publicKeyDer, publicKeySha256: sha256OfBytes(publicKeyDer) };
}

function isSignedWith(publicKeyDer: Uint8Array, { signed, signatureAlgorithm, signature }: SignedRequest): boolean {
  const [digest] = digests.find(([, oid]) => oid.equals(signatureAlgorithm)) ?? [];
  if (digest === undefined) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKeyDer), format: 'der', type: 'spki' });
    return verify(digest, signed, key, signature);
  } catch {
    // No point of the curve.
    return false;
  }
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
