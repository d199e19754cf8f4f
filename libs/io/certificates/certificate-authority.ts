// SPDX-License-Identifier: GPL-2.0-only
import { createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import path from 'node:path';
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import { certificatePin, readIfPresent, readOrCreate, writePrivateFile } from '@lockstep/platform/runtime';
import type { ProvenKey } from './certificate-request';
import { issueClientCertificate, openClientIssuer } from './client-certificate';
import { newSigningKey, openLogKeyring, type LogKeyring } from './log-keyring';
import { createLogSigner, type LogSigner } from './log-signer';
import { generatePrivateKey, keyAlgorithm, keyPairFrom, x509Library } from './x509-library';

const dayMs = 24 * 3600 * 1000;
/** A node's clock may be behind, above all just after boot. */
const clockSkewMs = dayMs;
const caDays = 3650;
/** Renewed from half their life on; a node that was away for longer than all of it has its own renewed all the same. */
const nodeDays = 30;
const serverDays = 397;
/** A server certificate with less than this left is made anew, at start or when it is looked at. */
const renewBeforeMs = 90 * dayMs;

export interface CertificateAuthority {
  readonly certificatePem: string;
  /** sha256 (hex) of the CA's SPKI, as in join tokens. */
  readonly pinSha256: string;
  /** The control plane's own, as it is now; the chain ends in the CA certificate, so that a pin can be checked against it. */
  readonly server: { readonly privateKeyPem: string; readonly certificateChainPem: string };
  /** Makes the control plane's own certificate anew if it does not last much longer. @returns whether it did. */
  renewServer(): Promise<boolean>;
  /** The key that load orders begin with, and that signs the audit log. */
  readonly logSigner: LogSigner;
  readonly logKeys: LogKeyring;
  /** Certifies a key for a node, as TLS client only: the certificate's DNS name is the node. PEM. */
  issueNodeCertificate(key: ProvenKey, node: NodeName): string;
  /** Certifies a key for whoever has an access token of this name, as TLS client, until then. PEM. */
  issueClientCertificate(key: ProvenKey, name: string, until: Date): string;
}

export interface AuthorityOptions {
  /** Holds ca.key, ca.crt, server.key, server.crt, log-signing.key, and later log keys in log-keys/. */
  readonly dir: string;
  /** DNS names and IP addresses the control plane is reached by. */
  readonly names: readonly string[];
  /** Also make the two keys that nothing can replace, ca.key and log-signing.key; all else is made where missing. */
  readonly mayMakeKeys: boolean;
}

/** X.509's own limit; the whole name is in the certificate's alternative names. */
const longestCommonName = 64;

interface Issuer {
  readonly privateKey: webcrypto.CryptoKey;
  readonly certificate: InstanceType<ReturnType<typeof x509Library>['X509Certificate']>;
}

const validity = (days: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - clockSkewMs),
  notAfter: new Date(Date.now() + days * dayMs),
});

async function createCaCertificate(privateKeyPem: string): Promise<string> {
  const x509 = x509Library();
  const keys = await keyPairFrom(privateKeyPem);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Lockstep CA',
    keys,
    signingAlgorithm: keyAlgorithm,
    ...validity(caDays),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

interface Leaf {
  readonly subject: string;
  readonly publicKey: webcrypto.CryptoKey;
  readonly days: number;
  readonly names: readonly string[];
}

async function issueServer(issuer: Issuer, { subject, publicKey, days, names }: Leaf): Promise<string> {
  const x509 = x509Library();
  const alternativeNames = names.map((value) => ({
    type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
    value,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${subject}`,
    issuer: issuer.certificate.subject,
    publicKey,
    signingKey: issuer.privateKey,
    signingAlgorithm: keyAlgorithm,
    ...validity(days),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate),
      new x509.SubjectAlternativeNameExtension(alternativeNames),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** The stored certificate, if it is of this CA and this key, covers the names and lasts. */
function stillFits(
  certificatePem: string | undefined,
  caPem: string,
  keyPem: string,
  names: readonly string[],
): boolean {
  if (certificatePem === undefined) return false;
  const certificate = new X509Certificate(certificatePem);
  const covers = (name: string): boolean =>
    (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  return (
    certificate.verify(new X509Certificate(caPem).publicKey) &&
    certificate.publicKey.equals(createPublicKey(keyPem)) &&
    names.every(covers) &&
    Date.parse(certificate.validTo) - Date.now() > renewBeforeMs
  );
}

async function openServerCertificate(
  dir: string,
  issuer: Issuer,
  caPem: string,
  names: readonly string[],
): Promise<CertificateAuthority['server']> {
  const privateKeyPem = await readOrCreate(path.join(dir, 'server.key'), generatePrivateKey);
  const file = path.join(dir, 'server.crt');
  let certificatePem = await readIfPresent(file);
  if (certificatePem === undefined || !stillFits(certificatePem, caPem, privateKeyPem, names)) {
    const { publicKey } = await keyPairFrom(privateKeyPem);
    certificatePem = await issueServer(issuer, {
      subject: 'lockstep-control-plane',
      publicKey,
      days: serverDays,
      names,
    });
    await writePrivateFile(file, certificatePem);
  }
  return { privateKeyPem, certificateChainPem: certificatePem + caPem };
}

async function openKey(name: string, make: () => string, { dir, mayMakeKeys }: AuthorityOptions): Promise<string> {
  const file = path.join(dir, name);
  if (mayMakeKeys) return readOrCreate(file, make);
  const present = await readIfPresent(file);
  if (present !== undefined) return present;
  throw new LockstepError('not-found', 'pki-missing', `There is no ${file}.`, { file });
}

/**
 * Opens the CA in `dir`, making what is missing and may be made: killed in between, the next call goes on from there, since a
 * certificate can always be made again from its key. @throws LockstepError `not-found` `pki-missing`;
 * `corrupt` when a file is not what it should be.
 */
export async function openCertificateAuthority(options: AuthorityOptions): Promise<CertificateAuthority> {
  const { dir, names } = options;
  try {
    const caKeyPem = await openKey('ca.key', generatePrivateKey, options);
    const certificatePem = await readOrCreate(path.join(dir, 'ca.crt'), () => createCaCertificate(caKeyPem));
    const { X509Certificate: Certificate } = x509Library();
    const { privateKey } = await keyPairFrom(caKeyPem);
    const issuer: Issuer = { privateKey, certificate: new Certificate(certificatePem) };
    const openServer = () => openServerCertificate(dir, issuer, certificatePem, names);
    let server = await openServer();
    const clientIssuer = openClientIssuer(caKeyPem, certificatePem);
    const logSigner = createLogSigner(await openKey('log-signing.key', newSigningKey, options));
    return {
      certificatePem,
      pinSha256: certificatePin(certificatePem),
      get server() {
        return server;
      },
      async renewServer() {
        const before = server.certificateChainPem;
        server = await openServer();
        return server.certificateChainPem !== before;
      },
      logSigner,
      issueClientCertificate: ({ publicKeyDer }, name, notAfter) => {
        const commonName = name.slice(0, longestCommonName);
        return issueClientCertificate(clientIssuer, { commonName, publicKeyDer, ...validity(nodeDays), notAfter });
      },
      logKeys: openLogKeyring(path.join(dir, 'log-keys'), logSigner),
      issueNodeCertificate: ({ publicKeyDer }, node) => {
        const commonName = node.slice(0, longestCommonName);
        const leaf = { commonName, publicKeyDer, ...validity(nodeDays), dnsName: node };
        return issueClientCertificate(clientIssuer, leaf);
      },
    };
  } catch (cause) {
    if (cause instanceof LockstepError || (cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
    throw new LockstepError(
      'corrupt',
      'pki-unreadable',
      `${dir} holds a key or certificate that cannot be read: restore that folder from a backup.`,
      { dir },
      { cause },
    );
  }
}
