// SPDX-License-Identifier: GPL-2.0-only
import { createPrivateKey, createPublicKey, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { withModuleSignature } from '@lockstep/domain/klp-module';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { encodeDer, encodeOid, readDer } from './der';
import { parseForeign, x509Library } from './x509-library';

/** Signs a module as scripts/sign-file of the kernel does, for a kernel whose keyring has the certificate. */
export interface ModuleSigner {
  /** As kernels show the certificate's key: its subject key id, or the serial number where it has none; lower-case hex. */
  readonly keyId: string;
  sign(module: Uint8Array): Uint8Array;
}

export const moduleHashes = ['sha256', 'sha384', 'sha512'] as const;
export type ModuleHash = (typeof moduleHashes)[number];

const oid = {
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;

const tag = { integer: 0x02, octetString: 0x04, null: 0x05, sequence: 0x30, set: 0x31, explicit0: 0xa0 } as const;

/**
 * @param privateKeyPem RSA, PKCS#8 or PKCS#1
 * @param certificatePem X.509, of that key
 * @param hash what CONFIG_MODULE_SIG_HASH of the kernel says
 * @throws LockstepError `invalid-input` `invalid-module-key`
 */
export function moduleSignerOf(
  privateKeyPem: string,
  certificatePem: string,
  hash: ModuleHash = 'sha256',
): ModuleSigner {
  const reason = 'invalid-module-key';
  const key = parseForeign('private key', reason, () => createPrivateKey(privateKeyPem));
  const certificate = parseForeign('certificate', reason, () => new X509Certificate(certificatePem));
  insistPair(key, certificate);
  const sid = issuerAndSerial(certificate.raw);
  return {
    keyId: keyIdOf(certificate),
    sign: (module) => withModuleSignature(module, signedData(sid, hash, sign(hash, module, key))),
  };
}

function insistPair(key: KeyObject, certificate: X509Certificate): void {
  const said =
    key.asymmetricKeyType !== 'rsa'
      ? `it is of type ${key.asymmetricKeyType ?? 'unknown'}, and RSA is what kernels and this program both know`
      : !certificate.publicKey.equals(createPublicKey(key)) && 'the certificate is of another key';
  if (said === false) return;
  throw new LockstepError('invalid-input', 'invalid-module-key', `Modules cannot be signed with this key: ${said}.`);
}

function keyIdOf({ raw, serialNumber }: X509Certificate): string {
  const { SubjectKeyIdentifierExtension, X509Certificate: Parsed } = x509Library();
  return (
    new Parsed(new Uint8Array(raw)).getExtension(SubjectKeyIdentifierExtension)?.keyId ?? serialNumber
  ).toLowerCase();
}

const sequence = (...parts: Uint8Array[]): Buffer => encodeDer(tag.sequence, ...parts);
const one = encodeDer(tag.integer, Uint8Array.of(1));

/** RFC 5652, as OpenSSL writes it for sign-file: detached, without certificates and without signed attributes. */
function signedData(sid: Uint8Array, hash: ModuleHash, signature: Uint8Array): Buffer {
  const digest = sequence(encodeOid(oid[hash]));
  const rsa = sequence(encodeOid(oid.rsaEncryption), encodeDer(tag.null));
  const signer = sequence(one, sid, digest, rsa, encodeDer(tag.octetString, signature));
  const content = sequence(encodeOid(oid.data));
  const body = sequence(one, encodeDer(tag.set, digest), content, encodeDer(tag.set, signer));
  return sequence(encodeOid(oid.signedData), encodeDer(tag.explicit0, body));
}

/** Of a certificate, as they stand in it: SEQUENCE { tbs SEQUENCE { [0] version, serial, algorithm, issuer, … */
function issuerAndSerial(certificate: Uint8Array): Buffer {
  const tbs = readDer(readDer(certificate)[0]?.content ?? new Uint8Array())[0]?.content ?? new Uint8Array();
  const parts = readDer(tbs);
  const [serial, , issuer] = parts[0]?.tag === tag.explicit0 ? parts.slice(1) : parts;
  return sequence(issuer?.whole ?? new Uint8Array(), serial?.whole ?? new Uint8Array());
}
