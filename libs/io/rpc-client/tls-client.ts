// SPDX-License-Identifier: GPL-2.0-only
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { Client, credentials, type ChannelOptions } from '@grpc/grpc-js';
import { parseAddress, showAddress } from './address';
import { channelOptions } from './channel-options';

export interface TlsMaterial {
  /** The only authority trusted, PEM. */
  readonly ca: string | Uint8Array;
  /** The client's own, PEM, where the server asks for it. */
  readonly key?: string;
  readonly certificate?: string;
}

/** SNI must be a name (RFC 6066), and Node.js warns of addresses there; the name sent is not looked at by anybody. */
const nameForAddresses = 'lockstep-control-plane';

/** A lazily connecting client of `host:port`; the server's certificate must be for that host. */
export function createTlsClient(address: string, { ca, key, certificate }: TlsMaterial): Client {
  const { host, port } = parseAddress(address);
  const toBuffer = (text?: string): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const byAddress = isIP(host) !== 0;
  const verify = byAddress
    ? { checkServerIdentity: (_: string, peer: PeerCertificate) => checkServerIdentity(host, peer) }
    : {};
  const tls = credentials.createSsl(Buffer.from(ca), toBuffer(key), toBuffer(certificate), verify);
  const options: ChannelOptions = byAddress
    ? { ...channelOptions, 'grpc.ssl_target_name_override': nameForAddresses }
    : channelOptions;
  return new Client(showAddress({ host, port }), tls, options);
}
