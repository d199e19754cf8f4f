// SPDX-License-Identifier: GPL-2.0-only
import { createHash, createPrivateKey, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { encodeDer, encodeOid, readDer, type DerValue } from './der';

/** Who signs: its key, and what its own certificate says of it. */
export interface ClientIssuer {
  readonly privateKey: KeyObject;
  /** DER of its name. */
  readonly name: Uint8Array;
  readonly keyIdentifier: Uint8Array;
}

export interface ClientLeaf {
  readonly commonName: string;
  /** SPKI. */
  readonly publicKeyDer: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Its alternative name. */
  readonly dnsName?: string;
}

const tags = {
  ...{ integer: 0x02, bits: 0x03, octets: 0x04, utf8: 0x0c, sequence: 0x30, set: 0x31, utcTime: 0x17, time: 0x18 },
  ...{ version: 0xa0, extensions: 0xa3, keyIdentifier: 0x80, dnsName: 0x82, boolean: 0x01 },
} as const;

const sequence = (...parts: readonly Uint8Array[]): Buffer => encodeDer(tags.sequence, ...parts);
const ecdsaWithSha256 = sequence(encodeOid('1.2.840.10045.4.3.2'));
const version3 = encodeDer(tags.version, encodeDer(tags.integer, Uint8Array.of(2)));
const isCritical = encodeDer(tags.boolean, Uint8Array.of(0xff));

function extension(oid: string, value: Uint8Array, critical: boolean): Buffer {
  const wrapped = encodeDer(tags.octets, value);
  return critical ? sequence(encodeOid(oid), isCritical, wrapped) : sequence(encodeOid(oid), wrapped);
}

/** What all of them have: no authority, for signatures, as a TLS client. */
const always = [
  extension('2.5.29.19', sequence(), true),
  extension('2.5.29.15', encodeDer(tags.bits, Uint8Array.of(7, 0x80)), true),
  extension('2.5.29.37', sequence(encodeOid('1.3.6.1.5.5.7.3.2')), true),
] as const;

/** RFC 5280: two digits of the year before 2050, four from then on. */
function timeOf(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  const isShort = at.getUTCFullYear() < 2050;
  return encodeDer(isShort ? tags.utcTime : tags.time, Buffer.from(isShort ? digits.slice(2) : digits));
}

/** Positive, and of the same length always. */
function newSerial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return encodeDer(tags.integer, bytes);
}

const pemOf = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

/** @param certificatePem of the authority, whose key it is */
export function openClientIssuer(privateKeyPem: string, certificatePem: string): ClientIssuer {
  const { raw } = new X509Certificate(certificatePem);
  const inside = (value: DerValue | undefined): DerValue[] => (value === undefined ? [] : readDer(value.content));
  const [signed] = inside(readDer(raw)[0]);
  const [, , , , subject, publicKey] = inside(signed).filter(({ tag }) => tag !== tags.version);
  // A bit string, whose first byte says that all of its bits are used.
  const keyBits = inside(publicKey)[1]?.content.subarray(1) ?? new Uint8Array();
  return {
    privateKey: createPrivateKey(privateKeyPem),
    name: subject?.whole ?? sequence(),
    keyIdentifier: createHash('sha1').update(keyBits).digest(),
  };
}

/**
 * A certificate for a TLS client, written out at once: a library that builds any certificate took five milliseconds of the
 * one thread for each machine that enrols. PEM.
 */
export function issueClientCertificate(issuer: ClientIssuer, leaf: ClientLeaf): string {
  const { commonName, publicKeyDer, notBefore, notAfter, dnsName } = leaf;
  const name = sequence(
    encodeDer(tags.set, sequence(encodeOid('2.5.4.3'), encodeDer(tags.utf8, Buffer.from(commonName)))),
  );
  const authority = sequence(encodeDer(tags.keyIdentifier, issuer.keyIdentifier));
  const extensions = [...always, extension('2.5.29.35', authority, false)];
  if (dnsName !== undefined) {
    extensions.push(extension('2.5.29.17', sequence(encodeDer(tags.dnsName, Buffer.from(dnsName))), false));
  }
  const validity = sequence(timeOf(notBefore), timeOf(notAfter));
  const signed = sequence(
    ...[version3, newSerial(), ecdsaWithSha256, issuer.name, validity, name, publicKeyDer],
    encodeDer(tags.extensions, sequence(...extensions)),
  );
  const signature = encodeDer(tags.bits, Uint8Array.of(0), sign('sha256', signed, issuer.privateKey));
  return pemOf(sequence(signed, ecdsaWithSha256, signature));
}
