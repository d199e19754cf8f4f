// SPDX-License-Identifier: GPL-2.0-only
import 'reflect-metadata';
import { createServer, type Server } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { webcrypto } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import * as x509 from '@peculiar/x509';
import { serverFault } from './server-fault';

const hourMs = 3_600_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function authority() {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: 'CN=test CA', keys, signingAlgorithm: algorithm },
    ...{ notBefore: new Date(Date.now() - 100 * hourMs), notAfter: new Date(Date.now() + 100 * hourMs) },
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  return { keys, certificate, pem: certificate.toString('pem') };
}

/** A server with a certificate that is good between these hours from now, for these names. */
async function serve(
  ca: Awaited<ReturnType<typeof authority>>,
  fromHours: number,
  toHours: number,
  name = '127.0.0.1',
) {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ subject: 'CN=server', issuer: ca.certificate.subject, publicKey: keys.publicKey },
    ...{ signingKey: ca.keys.privateKey, signingAlgorithm: algorithm },
    ...{ notBefore: new Date(Date.now() + fromHours * hourMs), notAfter: new Date(Date.now() + toHours * hourMs) },
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: /^[0-9.]+$/.test(name) ? 'ip' : 'dns', value: name }]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const pem = `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`;
  const server = createServer({ key: pem, cert: `${certificate.toString('pem')}\n${ca.pem}\n`, ALPNProtocols: ['h2'] });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('why a server is not trusted is named, with the hours that a clock may be off', async () => {
  const ca = await authority();
  const other = await authority();
  const told = async (address: string): Promise<[string | undefined, string]> => {
    const fault = await serverFault(address, ca.pem);
    return [fault?.reason, fault?.message ?? ''];
  };
  expect(await told(await serve(ca, -50, -5))).toEqual([
    'server-certificate-expired',
    expect.stringContaining("5 h ago by this machine's clock"),
  ]);
  expect(await told(await serve(ca, 7, 50))).toEqual([
    'server-certificate-not-yet-valid',
    expect.stringContaining('7 h from now'),
  ]);
  expect(await told(await serve(ca, -1, 50, 'plane.example'))).toEqual([
    'server-name-wrong',
    expect.stringContaining('plane.example'),
  ]);
  expect(await told(await serve(other, -1, 50))).toEqual(['server-of-other-ca', expect.any(String)]);
  expect(await told(await serve(ca, -1, 50))).toEqual([undefined, '']);
  expect(await serverFault('127.0.0.1:1', ca.pem)).toBeUndefined();
});
