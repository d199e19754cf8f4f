// SPDX-License-Identifier: GPL-2.0-only
import { createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { successionOf, type Authority, type Succession, type Successor } from '@lockstep/domain/access';
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

/** Signs what nodes, control planes and operators show: the first authority, and those that took its place. */
export interface CertificateAuthority {
  /** The first one, by which keys and database know each other. */
  readonly first: Authority;
  readonly succession: Succession;
  /** Of all whom to trust, PEM, one after the other. */
  readonly trustedPem: string;
  /**
   * Who has come after the first, as it is decided elsewhere. @returns whether that changes anything.
   * @throws LockstepError `not-found` `authority-key-missing` where the key of who signs is not there; then it stays as it was.
   */
  follow(successors: readonly Successor[]): Promise<boolean>;
  /** Makes a successor of who signs: its key is on disk then, and signs nothing. */
  makeSuccessor(): Promise<Successor>;
  /** The control plane's own, as it is now; the chain ends in the authority that join tokens name, so that a pin can be checked against it. */
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
  /**
   * Holds ca.key, ca.crt, server.key, server.crt, log-signing.key, and later log keys in log-keys/. Later authorities are in
   * authorities/, and whom to trust then is in trusted.crt.
   */
  readonly dir: string;
  /** DNS names and IP addresses the control plane is reached by. */
  readonly names: readonly string[];
  /** Also make the two keys that nothing can replace, ca.key and log-signing.key; all else is made where missing. */
  readonly mayMakeKeys: boolean;
  /** Who has come after the first by now. */
  readonly successors?: readonly Successor[];
}

/** X.509's own limit; the whole name is in the certificate's alternative names. */
const longestCommonName = 64;

/** All have it: one that another one vouches for does not count as standing between, where none may stand. */
const authorityName = 'CN=Lockstep CA';

interface Issuer {
  readonly privateKey: webcrypto.CryptoKey;
  readonly certificatePem: string;
  readonly certificate: InstanceType<ReturnType<typeof x509Library>['X509Certificate']>;
  readonly clients: ReturnType<typeof openClientIssuer>;
}

const validity = (days: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - clockSkewMs),
  notAfter: new Date(Date.now() + days * dayMs),
});

async function createCaCertificate(privateKeyPem: string): Promise<string> {
  const x509 = x509Library();
  const keys = await keyPairFrom(privateKeyPem);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: authorityName,
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

/** The successor's key, certified by the one before, for as long as that one is good. */
async function crossCertify(issuer: Issuer, successorPem: string): Promise<string> {
  const x509 = x509Library();
  const { publicKey } = new x509.X509Certificate(successorPem);
  const key = (await publicKey.export()) as webcrypto.CryptoKey;
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ subject: authorityName, issuer: issuer.certificate.subject, publicKey: key },
    ...{ signingKey: issuer.privateKey, signingAlgorithm: keyAlgorithm },
    ...{ notBefore: validity(0).notBefore, notAfter: issuer.certificate.notAfter },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate),
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

/** @param chain what follows its own certificate */
async function openServerCertificate(
  { dir, names }: Pick<AuthorityOptions, 'dir' | 'names'>,
  issuer: Issuer,
  chain: string,
): Promise<CertificateAuthority['server']> {
  const privateKeyPem = await readOrCreate(path.join(dir, 'server.key'), generatePrivateKey);
  const file = path.join(dir, 'server.crt');
  let certificatePem = await readIfPresent(file);
  if (certificatePem === undefined || !stillFits(certificatePem, issuer.certificatePem, privateKeyPem, names)) {
    const { publicKey } = await keyPairFrom(privateKeyPem);
    certificatePem = await issueServer(issuer, {
      subject: 'lockstep-control-plane',
      publicKey,
      days: serverDays,
      names,
    });
    await writePrivateFile(file, certificatePem);
  }
  return { privateKeyPem, certificateChainPem: certificatePem + chain };
}

async function openKey(name: string, make: () => string, { dir, mayMakeKeys }: AuthorityOptions): Promise<string> {
  const file = path.join(dir, name);
  if (mayMakeKeys) return readOrCreate(file, make);
  const present = await readIfPresent(file);
  if (present !== undefined) return present;
  throw new LockstepError('not-found', 'pki-missing', `There is no ${file}.`, { file });
}

async function issuerOf(privateKeyPem: string, certificatePem: string): Promise<Issuer> {
  const { X509Certificate: Certificate } = x509Library();
  const { privateKey } = await keyPairFrom(privateKeyPem);
  const clients = openClientIssuer(privateKeyPem, certificatePem);
  return { privateKey, certificatePem, certificate: new Certificate(certificatePem), clients };
}

const firstKey = 'ca.key';
const authorityKeyFile = (dir: string, pin: string): string => path.join(dir, 'authorities', `${pin}.key`);

async function readAuthorityKey(dir: string, pin: string): Promise<string> {
  const file = authorityKeyFile(dir, pin);
  const pem = await readIfPresent(file);
  if (pem !== undefined) return pem;
  const message = `The key of the authority that signs is not there: ${file}. Restore the folder of the keys from a backup.`;
  throw new LockstepError('not-found', 'authority-key-missing', message, { file });
}

const together = (authorities: readonly Authority[]): string =>
  authorities.map(({ certificatePem }) => certificatePem).join('');

/** Who signs, and what the control plane itself shows then. */
interface Standing {
  readonly succession: Succession;
  readonly issuer: Issuer;
  readonly server: CertificateAuthority['server'];
}

async function standingOf(options: AuthorityOptions, succession: Succession, issuer: Issuer): Promise<Standing> {
  const chain = succession.between.join('') + succession.anchor.certificatePem;
  return { succession, issuer, server: await openServerCertificate(options, issuer, chain) };
}

const authorityOf = (certificatePem: string): Authority => ({
  pinSha256: certificatePin(certificatePem),
  certificatePem,
});

/**
 * The authorities in `dir`.
 * @param firstKeyPem of the first; undefined once that is retired
 */
async function makeAuthority(
  options: AuthorityOptions,
  first: Authority,
  firstKeyPem: string | undefined,
  logSigner: LogSigner,
): Promise<CertificateAuthority> {
  const { dir } = options;
  const firstIssuer = firstKeyPem === undefined ? undefined : await issuerOf(firstKeyPem, first.certificatePem);
  /** Whoever finds it can certify nothing that anybody trusts, and after a backup is restored nothing either. */
  const forgetRetired = async ({ all }: Succession): Promise<void> => {
    for (const { pinSha256, stage } of all) {
      const file = pinSha256 === first.pinSha256 ? path.join(dir, firstKey) : authorityKeyFile(dir, pinSha256);
      if (stage === 'retired') await rm(file, { force: true });
    }
  };
  const keep = (next: Standing): boolean => {
    const isNews =
      next.server.certificateChainPem !== now.server.certificateChainPem ||
      together(next.succession.trusted) !== together(now.succession.trusted);
    now = next;
    return isNews;
  };
  const issuerIn = async ({ signs: { pinSha256, certificatePem: pem } }: Succession): Promise<Issuer> =>
    pinSha256 === first.pinSha256 && firstIssuer !== undefined
      ? firstIssuer
      : issuerOf(await readAuthorityKey(dir, pinSha256), pem);
  const standIn = async (successors: readonly Successor[]): Promise<Standing> => {
    const succession = successionOf(first, successors);
    const standing = await standingOf(options, succession, await issuerIn(succession));
    if (successors.length > 0) await writePrivateFile(path.join(dir, 'trusted.crt'), together(succession.trusted));
    await forgetRetired(succession);
    return standing;
  };
  let now = await standIn(options.successors ?? []);
  return {
    first,
    get succession() {
      return now.succession;
    },
    get trustedPem() {
      return together(now.succession.trusted);
    },
    get server() {
      return now.server;
    },
    follow: async (successors) => keep(await standIn(successors)),
    async makeSuccessor() {
      const privateKeyPem = generatePrivateKey();
      const pem = await createCaCertificate(privateKeyPem);
      const pinSha256 = certificatePin(pem);
      const crossCertificatePem = await crossCertify(now.issuer, pem);
      await writePrivateFile(authorityKeyFile(dir, pinSha256), privateKeyPem);
      return { pinSha256, certificatePem: pem, crossCertificatePem, tookOver: false, retiredBefore: false };
    },
    renewServer: async () => keep(await standingOf(options, now.succession, now.issuer)),
    logSigner,
    logKeys: openLogKeyring(path.join(dir, 'log-keys'), logSigner),
    issueClientCertificate: ({ publicKeyDer }, name, notAfter) => {
      const commonName = name.slice(0, longestCommonName);
      const leaf = { commonName, publicKeyDer, ...validity(nodeDays), notAfter };
      return issueClientCertificate(now.issuer.clients, leaf);
    },
    issueNodeCertificate: ({ publicKeyDer }, node) => {
      const commonName = node.slice(0, longestCommonName);
      const leaf = { commonName, publicKeyDer, ...validity(nodeDays), dnsName: node };
      return issueClientCertificate(now.issuer.clients, leaf);
    },
  };
}

/** What keys and database know each other by stays when it is retired, without its key. */
async function openFirst(options: AuthorityOptions): Promise<{ certificatePem: string; keyPem: string | undefined }> {
  const file = path.join(options.dir, 'ca.crt');
  const kept = await readIfPresent(file);
  if (kept !== undefined) {
    const [first] = successionOf(authorityOf(kept), options.successors ?? []).all;
    if (first?.stage === 'retired') return { certificatePem: kept, keyPem: undefined };
  }
  const keyPem = await openKey(firstKey, generatePrivateKey, options);
  return { certificatePem: await readOrCreate(file, () => createCaCertificate(keyPem)), keyPem };
}

/**
 * Opens the CA in `dir`, making what is missing and may be made: killed in between, the next call goes on from there, since a
 * certificate can always be made again from its key. @throws LockstepError `not-found` `pki-missing`;
 * `corrupt` when a file is not what it should be.
 */
export async function openCertificateAuthority(options: AuthorityOptions): Promise<CertificateAuthority> {
  const { dir } = options;
  try {
    const { certificatePem, keyPem } = await openFirst(options);
    const logSigner = createLogSigner(await openKey('log-signing.key', newSigningKey, options));
    return await makeAuthority(options, authorityOf(certificatePem), keyPem, logSigner);
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
