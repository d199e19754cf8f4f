// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { certificatePin } from './certificate-request';

export interface PinnedServer {
  readonly host: string;
  readonly port: number;
  /** sha256 (hex) of the CA's SPKI, from the join token. */
  readonly caPinSha256: string;
  readonly timeoutMs: number;
}

/** A root names itself as its issuer; a chain without its root ends in nothing, whatever the type says. */
const issuerOf = (certificate: DetailedPeerCertificate): DetailedPeerCertificate | undefined =>
  certificate.issuerCertificate;

function peerChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (
    let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    next !== undefined && Buffer.isBuffer(next.raw) && chain.length < 8;
    next = issuerOf(next)
  ) {
    const certificate = new X509Certificate(next.raw);
    if (chain.at(-1)?.fingerprint256 === certificate.fingerprint256) break;
    chain.push(certificate);
  }
  return chain;
}

function openSocket({ host, port, timeoutMs }: PinnedServer): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown): void => {
      socket.destroy();
      const where = `${host}:${port}`;
      reject(
        new LockstepError('unavailable', 'server-unreachable', `${where} ${message}.`, { server: where }, { cause }),
      );
    };
    // The chain is checked here, against the pin: there is no CA to check it with yet.
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...servername }, () => {
      resolve(socket);
    });
    socket.setTimeout(timeoutMs, () => {
      fail(`did not answer within ${timeoutMs} ms`);
    });
    socket.once('error', (cause: Error) => {
      fail(`cannot be reached: ${cause.message}`, cause);
    });
  });
}

/**
 * The CA certificate (PEM) of a server that nothing but its pin is known of. Nothing is sent to the server; what
 * comes back is the root for every later connection. @throws LockstepError `unavailable`, or `refused`
 * `server-pin-mismatch` when it is another control plane than the one that made the token.
 */
export async function fetchPinnedAuthority(server: PinnedServer): Promise<string> {
  const socket = await openSocket(server);
  try {
    const chain = peerChain(socket);
    const [leaf] = chain;
    const authority = chain.find(
      (certificate) => certificate.ca && certificatePin(certificate.raw) === server.caPinSha256,
    );
    if (leaf === undefined || authority === undefined || !leaf.verify(authority.publicKey)) {
      throw new LockstepError(
        'refused',
        'server-pin-mismatch',
        `${server.host}:${server.port} is not the control plane that made this join token: check the address, or make a new token there.`,
        { server: `${server.host}:${server.port}`, expectedPin: server.caPinSha256 },
      );
    }
    return authority.toString();
  } finally {
    socket.destroy();
  }
}
