// SPDX-License-Identifier: GPL-2.0-only
import { isIP } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate } from 'node:tls';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseAddress } from './address';

const answerWithinMs = 5_000;
const hourMs = 3_600_000;

const hours = (ms: number): string => `${Math.max(1, Math.round(ms / hourMs))} h`;

interface Seen {
  readonly fault: string | undefined;
  readonly certificate: PeerCertificate;
}

/** What the server shows, and what OpenSSL says of it. Nothing is sent. */
function look(address: string, ca: string): Promise<Seen | undefined> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port, ca, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...servername }, () => {
      const certificate = socket.getPeerCertificate();
      const fault = socket.authorized ? undefined : String(socket.authorizationError);
      // By address nothing was looked at, and by name it was.
      const name = isIP(host) === 0 ? undefined : checkServerIdentity(host, certificate);
      settle({ fault: fault ?? (name && 'ERR_TLS_CERT_ALTNAME_INVALID'), certificate });
    });
    const settle = (seen: Seen | undefined): void => {
      socket.destroy();
      resolve(seen);
    };
    socket.setTimeout(answerWithinMs, () => {
      settle(undefined);
    });
    socket.on('error', () => {
      settle(undefined);
    });
  });
}

function explain({ fault, certificate }: Seen, address: string, nowMs: number): LockstepError | undefined {
  const failed = (reason: string, message: string): LockstepError =>
    new LockstepError('unavailable', reason, `The control plane at ${address} ${message}`, {
      address,
      fault: fault ?? '',
    });
  const { valid_from: from, valid_to: to, subjectaltname: names = '' } = certificate;
  switch (fault) {
    case undefined:
      return undefined;
    case 'CERT_HAS_EXPIRED':
      return failed(
        'server-certificate-expired',
        `shows a certificate that expired at ${to}, ${hours(nowMs - Date.parse(to))} ago by this machine's clock: it renews its own, unless this clock is ahead.`,
      );
    case 'CERT_NOT_YET_VALID':
      return failed(
        'server-certificate-not-yet-valid',
        `shows a certificate that begins at ${from}, ${hours(Date.parse(from) - nowMs)} from now by this machine's clock: that clock is behind.`,
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return failed(
        'server-name-wrong',
        `shows a certificate for other names (${names}): start it with this name in LOCKSTEP_TLS_NAMES.`,
      );
    default:
      return failed(
        'server-of-other-ca',
        `shows a certificate of an authority that this node does not trust (${fault}): it is another control plane, or someone stands between.`,
      );
  }
}

/** Why the certificate of the server at `address` is no good; undefined where it is, or nobody answers. */
export async function serverFault(address: string, ca: string): Promise<LockstepError | undefined> {
  const seen = await look(address, ca);
  // eslint-disable-next-line no-restricted-properties -- certificates are good from one time of day to another
  return seen === undefined ? undefined : explain(seen, address, Date.now());
}
