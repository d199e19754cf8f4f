// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatJoinToken, parseJoinToken } from '@lockstep/contracts/wire';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import type { EntrySignature } from '@lockstep/domain/load-order';
import { certificatePin, sha256OfBytes } from '@lockstep/platform/runtime';
import {
  certificateFingerprint,
  createCertificateRequest,
  createLogVerifier,
  newJoinToken,
  openCertificateAuthority,
  readCertificateRequest,
  type CertificateAuthority,
} from './index';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-pki-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

const names = ['localhost', '127.0.0.1'];
const open = (folder = dir) => openCertificateAuthority({ dir: path.join(folder, 'pki'), names, mayMakeKeys: true });

describe('certificate authority', () => {
  test('is made once, kept with tight permissions, and opened again as the same', async () => {
    const first = await open();
    const again = await open();
    expect(again).toMatchObject({
      first: first.first,
      server: first.server,
    });
    expect(again.logSigner.publicKeyPem).toBe(first.logSigner.publicKeyPem);
    expect((await stat(path.join(dir, 'pki'))).mode & 0o777).toBe(0o700);
    for (const file of ['ca.key', 'server.key', 'log-signing.key']) {
      expect((await stat(path.join(dir, 'pki', file))).mode & 0o777).toBe(0o600);
    }
  });

  test('its two keys are never made anew where they are lost', async () => {
    await open();
    for (const name of ['log-signing.key', 'ca.key']) {
      const file = path.join(dir, 'pki', name);
      await rm(file);
      const opening = openCertificateAuthority({ dir: path.join(dir, 'pki'), names, mayMakeKeys: false });
      await expect(opening).rejects.toMatchObject({ reason: 'pki-missing', fields: { file } });
      await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
    }
  });

  test('a lost CA certificate is made again from its key: tokens given out stay good', async () => {
    const first = await open();
    await rm(path.join(dir, 'pki', 'ca.crt'));
    expect((await open()).first.pinSha256).toBe(first.first.pinSha256);
  });

  test('another name makes a new server certificate that covers it', async () => {
    await open();
    const more = await openCertificateAuthority({
      dir: path.join(dir, 'pki'),
      names: [...names, 'plane.example', '::1'],
      mayMakeKeys: true,
    });
    const certificate = new X509Certificate(more.server.certificateChainPem);
    expect(certificate.checkHost('plane.example')).toBe('plane.example');
    expect(certificate.checkIP('::1')).toBe('::1');
  });

  test('a broken key file is told, not replaced', async () => {
    await open();
    await writeFile(path.join(dir, 'pki', 'ca.key'), 'garbage');
    await expect(open()).rejects.toMatchObject({ kind: 'corrupt', reason: 'pki-unreadable' });
    expect(await readFile(path.join(dir, 'pki', 'ca.key'), 'utf8')).toBe('garbage');
  });
});

describe('node certificates', () => {
  test('carry the name the CA gives, for the key that was asked for, as client only', async () => {
    const authority = await open();
    const { privateKeyPem, requestPem } = await createCertificateRequest();
    const key = readCertificateRequest(requestPem);
    const pem = authority.issueNodeCertificate(key, parseNodeName('n1'));
    const certificate = new X509Certificate(pem);
    expect(certificate.subject).toBe('CN=n1');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.verify(new X509Certificate(authority.trustedPem).publicKey)).toBe(true);
    const again = await createCertificateRequest(privateKeyPem);
    expect(readCertificateRequest(again.requestPem).publicKeySha256).toBe(key.publicKeySha256);
    const second = authority.issueNodeCertificate(key, parseNodeName('n1'));
    expect(certificateFingerprint(second)).not.toBe(certificateFingerprint(pem));
  });

  test('a request that is no request, or not signed with its key, is refused', async () => {
    const huge = `-----BEGIN CERTIFICATE REQUEST-----\n${'A'.repeat(9_000)}\n-----END CERTIFICATE REQUEST-----`;
    expect(() => readCertificateRequest(huge)).toThrow(
      expect.objectContaining({ reason: 'certificate-request-too-large' }),
    );
    expect(() => readCertificateRequest('hello')).toThrow(
      expect.objectContaining({ reason: 'invalid-certificate-request' }),
    );
    const { requestPem } = await createCertificateRequest();
    const der = Buffer.from(requestPem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
    der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
    const cut = `-----BEGIN CERTIFICATE REQUEST-----\n${der.subarray(0, 80).toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    expect(() => readCertificateRequest(cut)).toThrow(
      expect.objectContaining({ reason: 'invalid-certificate-request' }),
    );
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    expect(() => readCertificateRequest(forged)).toThrow(
      expect.objectContaining({ reason: 'invalid-certificate-request' }),
    );
  });
});

test('the server shows the CA at the end of its chain, so that an agent can check the pin', async () => {
  const { server, first } = await open();
  expect(server.certificateChainPem.endsWith(first.certificatePem)).toBe(true);
  expect(certificatePin(first.certificatePem)).toBe(first.pinSha256);
});

test('join tokens survive the round trip; anything else is refused without repeating it', () => {
  const token = newJoinToken('ab'.repeat(32));
  expect(parseJoinToken(` ${formatJoinToken(token)}\n`)).toEqual(token);
  for (const bad of [
    '',
    'lsjoin1.secret.pin',
    formatJoinToken(token).slice(0, -1),
    formatJoinToken(token).replace('1', '2'),
  ]) {
    expect(() => parseJoinToken(bad)).toThrow(/copy the whole/);
  }
});

test('log signatures hold for their hash and key only', async () => {
  const { logSigner } = await open();
  const other = await openCertificateAuthority({ dir: path.join(dir, 'other'), names, mayMakeKeys: true });
  const hash = sha256OfBytes(new Uint8Array([1, 2, 3]));
  const signature = logSigner.sign(hash);
  const verify = createLogVerifier(logSigner.publicKeyPem);
  expect(verify(hash, signature)).toBe(true);
  expect(verify(sha256OfBytes(new Uint8Array([1, 2])), signature)).toBe(false);
  expect(verify(hash, other.logSigner.sign(hash))).toBe(false);
  expect(verify(hash, '' as EntrySignature)).toBe(false);
  expect(() => createLogVerifier('nonsense')).toThrow(/public key/);
});

describe('an authority that takes the place of another', () => {
  const enrolled = async (authority: CertificateAuthority) => {
    const { privateKeyPem: key, requestPem } = await createCertificateRequest();
    const certificate = authority.issueNodeCertificate(readCertificateRequest(requestPem), parseNodeName('n1'));
    return { key, cert: certificate };
  };

  /** What each side thinks of the other; undefined: nothing is wrong. */
  async function meet(
    { server, trustedPem }: Pick<CertificateAuthority, 'server' | 'trustedPem'>,
    { ca, ...own }: { ca: string; key: string; cert: string },
  ) {
    const { privateKeyPem: key, certificateChainPem: cert } = server;
    let ofClient: unknown;
    const listening = createServer(
      { key, cert, ca: trustedPem, requestCert: true, rejectUnauthorized: false },
      (socket) => {
        ofClient = socket.authorized ? undefined : socket.authorizationError;
        socket.end('met');
      },
    );
    listening.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const { port } = listening.address() as AddressInfo;
    const ofServer = await new Promise<string | undefined>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, ca, ...own });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code);
      });
      socket.on('data', () => {
        resolve(undefined);
      });
    });
    listening.close();
    return { ofServer, ofClient };
  }

  const trusted = { ofServer: undefined, ofClient: undefined };

  test('who trusts only the one before meets no stranger, until that one is retired', async () => {
    const authority = await open();
    const before = { ...(await enrolled(authority)), ca: authority.trustedPem };
    const [leafBefore] = authority.server.certificateChainPem.split(/(?<=-----END CERTIFICATE-----\n)/);

    const successor = await authority.makeSuccessor();
    expect(await authority.follow([successor])).toBe(true);
    // It is trusted, and signs nothing yet.
    expect(authority.server.certificateChainPem.startsWith(leafBefore!)).toBe(true);
    expect(await meet(authority, before)).toEqual(trusted);
    const told = { ...before, ca: authority.trustedPem };
    expect(await meet(authority, told)).toEqual(trusted);

    expect(await authority.follow([{ ...successor, tookOver: true }])).toBe(true);
    expect(await authority.follow([{ ...successor, tookOver: true }])).toBe(false);
    const after = { ...(await enrolled(authority)), ca: successor.certificatePem };
    const meetings = { before, told, after, afterOld: { ...before, ca: successor.certificatePem } };
    for (const [who, what] of Object.entries(meetings))
      expect([who, await meet(authority, what)]).toEqual([who, trusted]);

    expect(await authority.follow([{ ...successor, tookOver: true, retiredBefore: true }])).toBe(true);
    expect(await meet(authority, after)).toEqual(trusted);
    expect(await meet(authority, { ...before, ca: authority.trustedPem })).toEqual({
      ofServer: undefined,
      ofClient: expect.stringMatching(/UNABLE_TO|SIGNATURE/),
    });
    expect((await meet(authority, before)).ofServer).toMatch(/SELF_SIGNED|UNABLE_TO/);
  });

  test('it is opened again as it stands, its own certificate too; a key that is lost is told', async () => {
    const authority = await open();
    const successors = [{ ...(await authority.makeSuccessor()), tookOver: true }];
    await authority.follow(successors);
    const again = () => openCertificateAuthority({ dir: path.join(dir, 'pki'), names, mayMakeKeys: false, successors });
    const opened = await again();
    expect([opened.server, opened.succession]).toEqual([authority.server, authority.succession]);
    expect(await readFile(path.join(dir, 'pki/trusted.crt'), 'utf8')).toBe(authority.trustedPem);
    await rm(path.join(dir, 'pki/authorities'), { recursive: true });
    await expect(again()).rejects.toMatchObject({ reason: 'authority-key-missing' });
    // What cannot be gone along with leaves everything as it was.
    const signs = authority.succession.signs.pinSha256;
    const lost = { ...successors[0]!, pinSha256: 'cd'.repeat(32) };
    await expect(authority.follow([...successors, lost])).rejects.toMatchObject({ reason: 'authority-key-missing' });
    expect(authority.succession.signs.pinSha256).toBe(signs);
  });

  test('whoever is retired leaves no key behind, here and at the next start; the others’ stay', async () => {
    const authority = await open();
    const file = (name: string) => path.join(dir, 'pki', name);
    const second = await authority.makeSuccessor();
    await authority.follow([{ ...second, tookOver: true }]);
    const third = await authority.makeSuccessor();
    const keys = async () => (await readdir(file('authorities'))).sort();
    expect((await keys()).length).toBe(2);
    const retiredFirst = [{ ...second, tookOver: true, retiredBefore: true }, third];
    const caKey = await readFile(file('ca.key'), 'utf8');
    await authority.follow(retiredFirst);
    await expect(stat(file('ca.key'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await keys()).length).toBe(2);
    // Cut off before it was removed.
    await writeFile(file('ca.key'), caKey);
    const again = (successors: typeof retiredFirst) =>
      openCertificateAuthority({ dir: path.join(dir, 'pki'), names, mayMakeKeys: false, successors });
    const opened = await again(retiredFirst);
    expect([opened.first.pinSha256, opened.server]).toEqual([authority.first.pinSha256, authority.server]);
    await expect(stat(file('ca.key'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await meet(opened, { ...(await enrolled(opened)), ca: opened.trustedPem })).toEqual(trusted);
    const retiredSecond = [retiredFirst[0]!, { ...third, tookOver: true, retiredBefore: true }];
    await opened.follow(retiredSecond);
    expect(await keys()).toEqual([`${third.pinSha256}.key`]);
    expect((await again(retiredSecond)).succession.signs.pinSha256).toBe(third.pinSha256);
  });

  test('a machine that joins finds the authority that its token names, at each step', async () => {
    const authority = await open();
    const successor = await authority.makeSuccessor();
    for (const stage of [{}, { tookOver: true }, { tookOver: true, retiredBefore: true }]) {
      await authority.follow([{ ...successor, ...stage }]);
      const { anchor } = authority.succession;
      expect(authority.server.certificateChainPem.endsWith(anchor.certificatePem)).toBe(true);
    }
  });
});
