// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Where a server listens. `host` is a name, an IPv4 address, or an IPv6 address without brackets; may be empty. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const form = /^(?:\[(?<ipv6>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]/\s]*)):(?<port>\d{1,5})$/;

/** `host:port` or `[ipv6]:port`. @throws LockstepError `invalid-input`. */
export function parseAddress(text: string): Address {
  const groups = form.exec(text)?.groups;
  const port = Number(groups?.['port']);
  if (groups === undefined || port < 1 || port > 65535) {
    throw new LockstepError('invalid-input', 'invalid-address', `"${text}" is not an address: use host:port.`, {
      text,
    });
  }
  return { host: groups['ipv6'] ?? groups['name'] ?? '', port };
}

/** `host:port`, or several with commas between, of servers that are as good as one another. @throws as `parseAddress`. */
export const parseAddresses = (text: string): Address[] => text.split(',').map((each) => parseAddress(each.trim()));

export const showAddresses = (addresses: readonly Address[]): string => addresses.map(showAddress).join(',');

export function showAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const unspecifiedHosts = new Set(['', '0.0.0.0', '::']);

/** A server that listens on every interface names no host of its own: then the one it was reached by is meant. */
export function reachableAddress(listening: Address, reachedBy: Address): Address {
  return unspecifiedHosts.has(listening.host) ? { host: reachedBy.host, port: listening.port } : listening;
}
