// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { encodeOid, readDer, type DerValue } from './der';

/** Of a certificate (DER), what tells whose it is. */
export interface CertifiedKey {
  /** SPKI. */
  readonly publicKeyDer: Uint8Array;
  readonly dnsName: string | undefined;
  readonly commonName: string | undefined;
  readonly notAfter: Date;
}

const tags = { sequence: 0x30, version: 0xa0, extensions: 0xa3, dnsName: 0x82, utcTime: 0x17 } as const;
const commonNameOid = encodeOid('2.5.4.3');
const alternativeNamesOid = encodeOid('2.5.29.17');

const inside = (value: DerValue | undefined): DerValue[] => (value === undefined ? [] : readDer(value.content));
const isOid = (value: DerValue | undefined, oid: Buffer): boolean => value !== undefined && oid.equals(value.whole);
const text = (value: DerValue | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value.content).toString('utf8');

function commonNameIn(subject: DerValue | undefined): string | undefined {
  const attributes = inside(subject).flatMap(inside).map(inside);
  return text(attributes.find(([type]) => isOid(type, commonNameOid))?.[1]);
}

function dnsNameIn(extensions: DerValue | undefined): string | undefined {
  const [list] = inside(extensions);
  const names = inside(list)
    .map(inside)
    .find(([type]) => isOid(type, alternativeNamesOid));
  // The last of an extension is its value, in an octet string.
  const [all] = inside(names?.at(-1));
  return text(inside(all).find(({ tag }) => tag === tags.dnsName));
}

/** RFC 5280, 4.1.2.5: `YYMMDDHHMMSSZ` up to 2049, `YYYYMMDDHHMMSSZ` from then on. NaN where it is neither. */
function timeOf(value: DerValue | undefined): Date {
  const said = text(value) ?? '';
  const isShort = value?.tag === tags.utcTime;
  const digits = isShort ? `${said < '50' ? '20' : '19'}${said}` : said;
  return new Date(digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

/**
 * Reads a certificate that TLS has verified already: OpenSSL's own object of it costs half a millisecond, of each of
 * thousands that come at once. @throws LockstepError `unauthenticated` `certificate-unreadable`.
 */
export function readCertifiedKey(certificateDer: Uint8Array): CertifiedKey {
  const [certificate] = readDer(certificateDer);
  const [signed] = inside(certificate);
  const fields = inside(signed).filter(({ tag }) => tag !== tags.version);
  const [, , , validity, subject, publicKey] = fields;
  const notAfter = timeOf(inside(validity)[1]);
  if (publicKey?.tag !== tags.sequence || subject?.tag !== tags.sequence || Number.isNaN(notAfter.getTime())) {
    const message = 'This is not a certificate that can be read.';
    throw new LockstepError('unauthenticated', 'certificate-unreadable', message);
  }
  const extensions = fields.find(({ tag }) => tag === tags.extensions);
  return {
    publicKeyDer: publicKey.whole,
    ...{ dnsName: dnsNameIn(extensions), commonName: commonNameIn(subject), notAfter },
  };
}
