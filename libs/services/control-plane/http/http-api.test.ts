// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { AccessServiceService, FleetServiceService } from '@lockstep/contracts/generated';
import { openCertificateAuthority, type CertificateAuthority } from '@lockstep/io/certificates';
import { temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { pino } from 'pino';
import { callNamed } from './descriptors';
import { Gateway } from './gateway';
import { startHttpApi } from './http-api';

let folder: TemporaryFolder;
let authority: CertificateAuthority;

beforeAll(async () => {
  folder = await temporaryFolder('http-api');
  authority = await openAuthority(['127.0.0.1', 'localhost']);
});
afterAll(() => folder.remove());

const openAuthority = (names: readonly string[]): Promise<CertificateAuthority> =>
  openCertificateAuthority({ dir: path.join(folder.path, 'pki'), names, mayMakeKeys: true });

async function namesShown(port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.trustedPem });
  await once(socket, 'secureConnect');
  const names = socket.getPeerCertificate().subjectaltname;
  socket.destroy();
  return names;
}

test('a certificate that is made anew is shown by HTTP too', async () => {
  const { server: tls, trustedPem: ca } = authority;
  const place = {
    host: '127.0.0.1',
    port: 0,
    operatorAddress: '127.0.0.1:1',
    consoleDir: folder.path,
    people: undefined,
  };
  const api = await startHttpApi({ ...place, tls, ca, log: pino({ level: 'silent' }) });
  try {
    expect(await namesShown(api.port)).not.toContain('other.example');
    const renewed = await openAuthority(['127.0.0.1', 'localhost', 'other.example']);
    api.present(renewed.server, renewed.trustedPem);
    expect(await namesShown(api.port)).toContain('other.example');
  } finally {
    await api.stop();
  }
});

test('those who watch by HTTP keep nobody from asking, and are no more than may be', async () => {
  // Of each connection: as many watches take all of it.
  const server = new Server({ 'grpc.max_concurrent_streams': 2 });
  server.addService(FleetServiceService, {
    watchEvents: (call: ServerWritableStream<unknown, unknown>) => call.write({ seq: 1 }),
  });
  server.addService(AccessServiceService, {
    whoAmI: (_: unknown, answer: (error: null, value: unknown) => void) => {
      answer(null, { rights: [] });
    },
  });
  const { privateKeyPem, certificateChainPem } = authority.server;
  const pair = { private_key: Buffer.from(privateKeyPem), cert_chain: Buffer.from(certificateChainPem) };
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const gateway = new Gateway({ address: `127.0.0.1:${port}`, ca: authority.trustedPem, mostWatches: 2 });
  const abort = new AbortController();
  try {
    const watch = () => gateway.follow(callNamed('watchEvents'), {}, {}, abort.signal);
    const watches = [watch(), watch()];
    for (const each of watches) expect(await each.next()).toMatchObject({ done: false });
    // Kept waiting it would have no answer in time.
    await gateway.identify({});
    await expect(watch().next()).rejects.toMatchObject({ kind: 'unavailable', reason: 'too-many-watches' });
    await watches[0]?.return(undefined);
    expect(await watch().next()).toMatchObject({ done: false });
  } finally {
    abort.abort();
    gateway.close();
    server.forceShutdown();
  }
});
