// SPDX-License-Identifier: GPL-2.0-only
import 'reflect-metadata';
import { createHash, createPrivateKey, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import * as x509 from '@peculiar/x509';
// eslint-disable-next-line no-restricted-imports -- it makes a row as an older version left it
import { Client } from 'pg';
import { AgentServiceService } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { LockstepError, parseSha256 } from '@lockstep/domain/livepatch-model';
import { createCertificateRequest } from '@lockstep/io/certificates';
import { enrol } from '@lockstep/io/rpc-client';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import { AwakeTime } from './awake-time';
import { collect, eventually, TestPlane } from './test-plane';

jest.setTimeout(300_000);

const dayMs = 24 * 3_600_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

let plane: TestPlane;

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'web' });
});
afterAll(() => plane.stop());

const reasonOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error as LockstepError).reason,
  );

/** As the CA would make it at another time; of a CA of its own if `caKeyPem` is another one. */
async function certificateOf(name: string, keyPem: string, fromDays: number, toDays: number, caKeyPem?: string) {
  const ca = caKeyPem ?? (await readFile(path.join(plane.config.stateDir, 'pki/ca.key'), 'utf8'));
  const der = { privateKey: createPrivateKey(ca).export({ type: 'pkcs8', format: 'der' }) };
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der.privateKey, algorithm, false, ['sign']);
  const spki = createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
  const publicKey = await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ subject: `CN=${name}`, issuer: 'CN=Lockstep CA', publicKey, signingKey, signingAlgorithm: algorithm },
    ...{ notBefore: new Date(Date.now() + fromDays * dayMs), notAfter: new Date(Date.now() + toDays * dayMs) },
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true)],
  });
  return certificate.toString('pem');
}

const endOf = async (agent: { ended: Promise<unknown> }): Promise<string> =>
  ((await agent.ended) as LockstepError).reason;

test('a machine becomes a node on the agents’ port, under a name with dots, for a month, and has that renewed', async () => {
  const joinToken = await plane.joinToken('web', 'web-1.rack-2.example.org');
  const { privateKeyPem: key, requestPem } = await createCertificateRequest();
  const address = plane.endpoint.agentAddress;
  const { certificate } = await enrol({ address, joinToken, certificateRequest: requestPem });
  const first = new X509Certificate(certificate);
  expect(first.subjectAltName).toBe('DNS:web-1.rack-2.example.org');
  expect((Date.parse(first.validTo) - Date.now()) / dayMs).toBeCloseTo(30, 1);
  const { client } = plane.agent(certificate, key);
  const renewed = await client.renewCertificate();
  expect(new X509Certificate(renewed.certificate).publicKey.equals(first.publicKey)).toBe(true);
  expect(renewed.caCertificates).toBe(plane.ca);
  const agent = plane.agent(renewed.certificate, key).connect();
  await eventually(async () => {
    const { nodes } = await plane.operator.fleet.listNodes({ cluster: 'web', selector: '' });
    expect(nodes.find(({ name }) => name.startsWith('web-1.'))?.connected).toBe(true);
  });
  const { node } = await plane.operator.fleet.getNode({ name: 'web-1.rack-2.example.org' });
  expect(node?.certificateEndsAt).toEqual(new Date(new X509Certificate(renewed.certificate).validTo));
  agent.disconnect();
});

test('a node of before there were renewals has its certificate of years renewed, and is known by its key then', async () => {
  const { certificate, key } = await plane.credentials('web', 'old');
  const years = await certificateOf('old', key, -400, 3_000);
  const fingerprint = createHash('sha256').update(new X509Certificate(years).raw).digest('hex');
  const db = new Client(plane.endpoint.databaseUrl);
  await db.connect();
  await db.query('UPDATE nodes SET certificate_fingerprint = $1 WHERE name = $2', [fingerprint, 'old']);
  await db.end();
  await plane.restart();
  expect(await reasonOf(plane.agent(certificate, key).client.renewCertificate())).toBe('certificate-superseded');
  const renewed = await plane.agent(years, key).client.renewCertificate();
  expect(Date.parse(new X509Certificate(renewed.certificate).validTo) - Date.now()).toBeLessThan(31 * dayMs);
  expect(await reasonOf(plane.agent(renewed.certificate, key).client.renewCertificate())).toBe('answered');
});

test('a certificate that has expired is good for a new one and nothing else; one that is no good is told why', async () => {
  const { key } = await plane.credentials('web', 'away');
  const withDates = async (fromDays: number, toDays: number) =>
    plane.agent(await certificateOf('away', key, fromDays, toDays), key);
  const expired = await withDates(-40, -2);
  const failure = (await expired.connect().ended) as LockstepError;
  expect([failure.reason, failure.message]).toEqual(['certificate-expired', expect.stringContaining('48 h ago')]);
  expect(await reasonOf(collect(expired.client.downloadArtifact(parseSha256('0'.repeat(64)), 0)))).toBe(
    'certificate-expired',
  );
  const { certificate } = await expired.client.renewCertificate();
  const back = plane.agent(certificate, key).connect();
  await eventually(async () => {
    expect((await plane.operator.fleet.getNode({ name: 'away' })).node?.connected).toBe(true);
  });
  back.disconnect();
  const early = (await (await withDates(3, 30)).connect().ended) as LockstepError;
  expect([early.reason, early.message]).toEqual([
    'certificate-not-yet-valid',
    expect.stringContaining('72 h from now'),
  ]);
  const { privateKeyPem: otherCa } = await createCertificateRequest();
  const foreign = plane.agent(await certificateOf('away', key, -1, 30, otherCa), key);
  expect(await endOf(foreign.connect())).toBe('certificate-of-other-ca');
  const { privateKeyPem: otherKey } = await createCertificateRequest();
  const stolenName = plane.agent(await certificateOf('away', otherKey, -1, 30), otherKey);
  expect(await endOf(stolenName.connect())).toBe('certificate-superseded');
});

test('a node that is revoked is cut off within a second, is not renewed, and comes back only by joining again', async () => {
  const { certificate, key } = await plane.credentials('web', 'stolen');
  const agent = plane.agent(certificate, key).connect();
  await eventually(async () => {
    expect((await plane.operator.fleet.getNode({ name: 'stolen' })).node?.connected).toBe(true);
  });
  const { code, stdout } = await runLockstep(plane.config.stateDir, ['node', 'revoke', 'stolen', '--why', 'disk lost']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('Revoked stolen')]);
  using since = new AwakeTime();
  expect(await endOf(agent)).toBe('certificate-revoked');
  // After the command, which starts a process.
  expect(since.ms).toBeLessThan(1_000);
  expect(await reasonOf(agent.client.renewCertificate())).toBe('certificate-revoked');
  expect((await plane.operator.fleet.getNode({ name: 'stolen' })).node?.revokedAt).toBeInstanceOf(Date);
  await plane.restart();
  expect(await reasonOf(agent.client.renewCertificate())).toBe('certificate-revoked');
  // Whoever took the key keeps it: no token makes it a node again, under whatever name.
  const { requestPem } = await createCertificateRequest(key);
  const joining = async (name: string): Promise<string> => {
    const joinToken = await plane.joinToken('web', name);
    return reasonOf(enrol({ address: plane.endpoint.agentAddress, joinToken, certificateRequest: requestPem }));
  };
  expect([await joining('stolen'), await joining('another')]).toEqual(['key-revoked', 'key-revoked']);
  const again = await plane.enrol('web', 'stolen');
  expect(await reasonOf(again.client.renewCertificate())).toBe('answered');
  expect(await reasonOf(agent.client.renewCertificate())).toBe('certificate-superseded');
  await plane.operator.fleet.removeNode({ name: 'stolen' });
  expect(await joining('stolen')).toBe('key-revoked');
});

test('a token for many gives a node that was revoked no certificate anew', async () => {
  const bulk = { cluster: 'web', node: '', ttlSeconds: 0, allow: 'lent-*', count: 3 };
  const { joinToken } = await plane.operator.fleet.createJoinToken(bulk);
  const { requestPem } = await createCertificateRequest();
  const asks = () =>
    reasonOf(
      enrol({ address: plane.endpoint.agentAddress, joinToken, machine: 'lent-1', certificateRequest: requestPem }),
    );
  expect([await asks(), await asks()]).toEqual(['answered', 'answered']);
  await plane.operator.fleet.revokeNode({ name: 'lent-1' });
  expect(await asks()).toBe('key-revoked');
});

test('a stranger on the agents’ port may enrol and nothing else, and sends no more than that takes', async () => {
  const session = connectHttp2(`https://${plane.endpoint.agentAddress}`, { ca: plane.ca });
  const ask = (pathOf: string, bytes: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { ':method': 'POST', ':path': pathOf, 'content-type': 'application/grpc', te: 'trailers' };
      const stream = session.request(headers);
      const take = (all: Record<string, unknown>): void => {
        const code = all['grpc-status'];
        if (typeof code === 'string') resolve(code);
      };
      stream.on('response', take).on('trailers', take).on('error', reject).resume();
      const frame = Buffer.alloc(5 + bytes);
      frame.writeUInt32BE(bytes, 1);
      stream.end(frame);
    });
  expect(await ask(AgentServiceService.downloadArtifact.path, 0)).toBe('16');
  expect(await ask('/lockstep.v1.FleetService/ListNodes', 0)).toBe('12');
  expect(await ask('/lockstep.v1.EnrolmentService/Enrol', 100_000)).toBe('8');
  session.close();
});

test('a token for many lets in so many, of such names, each once, and takes nobody’s place', async () => {
  const bulk = { cluster: 'web', node: '', ttlSeconds: 0, allow: 'many-*', count: 3 };
  const { joinToken } = await plane.operator.fleet.createJoinToken(bulk);
  const { privateKeyPem, requestPem } = await createCertificateRequest();
  const address = plane.endpoint.agentAddress;
  const join = async (machine: string, certificateRequest?: string): Promise<unknown> => {
    const request = certificateRequest ?? (await createCertificateRequest()).requestPem;
    return enrol({ address, joinToken, machine, certificateRequest: request });
  };
  await join('many-1', requestPem);
  // Its answer was lost: the same key asks again, and takes no other one's turn.
  const { certificate } = (await join('many-1', requestPem)) as { certificate: string };
  expect(await reasonOf(plane.agent(certificate, privateKeyPem).client.renewCertificate())).toBe('answered');
  expect(await reasonOf(join('many-1'))).toBe('node-exists');
  expect(await reasonOf(join('few-1'))).toBe('node-name-not-allowed');
  expect(await reasonOf(join('web-1.rack-2.example.org'))).toBe('node-name-not-allowed');
  expect(await Promise.all(['many-2', 'many-3', 'many-4'].map((name) => reasonOf(join(name))))).toEqual(
    expect.arrayContaining(['answered', 'answered', 'join-token-refused']),
  );
  const { nodes } = await plane.operator.fleet.listNodes({ cluster: 'web', selector: '' });
  expect(nodes.filter(({ name }) => name.startsWith('many-')).length).toBe(3);
});
