// SPDX-License-Identifier: GPL-2.0-only
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { AgentServiceService, FleetServiceService } from '@lockstep/contracts/generated';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

const pemKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

export interface TestPki {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A CA and a server certificate for one IP address. */
export async function makePki(ip = '127.0.0.1'): Promise<TestPki> {
  const caKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Test CA',
    keys: caKeys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const leaf = await x509.X509CertificateGenerator.create({
    subject: 'CN=server',
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: ip }])],
  });
  return { ca: ca.toString('pem'), certificate: leaf.toString('pem'), key: await pemKey(keys.privateKey) };
}

export interface TestServer {
  readonly port: number;
  /** By force: calls under way are cut. */
  readonly stop: () => void;
}

/** FleetService and AgentService with the methods given; the others are unimplemented. */
export async function serveMethods(
  pki: TestPki,
  methods: Partial<UntypedServiceImplementation>,
  port = 0,
): Promise<TestServer> {
  const server = new Server();
  server.addService(FleetServiceService, methods as UntypedServiceImplementation);
  server.addService(AgentServiceService, methods as UntypedServiceImplementation);
  const pair = { private_key: Buffer.from(pki.key), cert_chain: Buffer.from(`${pki.certificate}\n${pki.ca}`) };
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createSsl(null, [pair]), (error, at) => {
      if (error === null) resolve(at);
      else reject(error);
    });
  });
  return {
    port: bound,
    stop: () => {
      server.forceShutdown();
    },
  };
}
