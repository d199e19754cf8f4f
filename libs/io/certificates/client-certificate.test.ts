// SPDX-License-Identifier: GPL-2.0-only
import { createPublicKey, X509Certificate } from 'node:crypto';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { createCertificateRequest, openCertificateAuthority, readCertificateRequest, readCertifiedKey } from './index';
import { x509Library } from './x509-library';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder('leaf');
});
afterEach(() => folder.remove());

const open = () =>
  openCertificateAuthority({ dir: path.join(folder.path, 'pki'), names: ['127.0.0.1'], mayMakeKeys: true });

const longName = `${'a'.repeat(62)}.${'b'.repeat(62)}.example`;

test.each(['n1', 'host-7.rack.example', longName])(
  'a certificate for %s says what OpenSSL and others read of it',
  async (name) => {
    const authority = await open();
    const key = readCertificateRequest((await createCertificateRequest()).requestPem);
    const pem = authority.issueNodeCertificate(key, parseNodeName(name));
    const read = new X509Certificate(pem);
    const ca = new X509Certificate(authority.first.certificatePem);
    expect(read.verify(ca.publicKey)).toBe(true);
    expect(read.checkIssued(ca)).toBe(true);
    expect(read.subject).toBe(`CN=${name.slice(0, 64)}`);
    expect(read.subjectAltName).toBe(`DNS:${name}`);
    expect(read.ca).toBe(false);
    expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(
      read.publicKey.equals(createPublicKey({ key: Buffer.from(key.publicKeyDer), format: 'der', type: 'spki' })),
    ).toBe(true);
    const lifeMs = Date.parse(read.validTo) - Date.parse(read.validFrom);
    expect(lifeMs / 86_400_000).toBeCloseTo(31, 3);
    const byLibrary = new (x509Library().X509Certificate)(pem);
    expect(byLibrary.extensions.map(({ type, critical }) => [type, critical])).toEqual([
      ...[
        ['2.5.29.19', true],
        ['2.5.29.15', true],
        ['2.5.29.37', true],
      ],
      ...[
        ['2.5.29.35', false],
        ['2.5.29.17', false],
      ],
    ]);
    expect(
      await byLibrary.verify({ publicKey: new (x509Library().X509Certificate)(authority.first.certificatePem) }),
    ).toBe(true);
    expect(readCertifiedKey(read.raw)).toEqual({
      publicKeyDer: expect.anything(),
      ...{ dnsName: name, commonName: name.slice(0, 64), notAfter: new Date(read.validTo) },
    });
    expect(Buffer.from(readCertifiedKey(read.raw).publicKeyDer).equals(key.publicKeyDer)).toBe(true);
  },
);

test('a client certificate has no alternative name and ends when it is told to', async () => {
  const authority = await open();
  const key = readCertificateRequest((await createCertificateRequest()).requestPem);
  const until = new Date('2051-03-04T05:06:07Z');
  const read = new X509Certificate(authority.issueClientCertificate(key, 'ops, O=nobody', until));
  expect(new Date(read.validTo)).toEqual(until);
  expect(read.subjectAltName).toBeUndefined();
  expect(readCertifiedKey(read.raw)).toMatchObject({
    ...{ dnsName: undefined, commonName: 'ops, O=nobody', notAfter: until },
  });
});

test('no two have one serial number', async () => {
  const authority = await open();
  const key = readCertificateRequest((await createCertificateRequest()).requestPem);
  const serials = Array.from(
    { length: 50 },
    () => new X509Certificate(authority.issueClientCertificate(key, 'ops', new Date(Date.now() + 1e6))).serialNumber,
  );
  expect(new Set(serials).size).toBe(50);
  expect(serials.every((serial) => serial.length === 32)).toBe(true);
});

test('what is no certificate is told as such', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.from('3003020101', 'hex')]) {
    expect(() => readCertifiedKey(bytes)).toThrow(expect.objectContaining({ reason: 'certificate-unreadable' }));
  }
});
