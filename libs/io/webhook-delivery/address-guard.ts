// SPDX-License-Identifier: GPL-2.0-only
import { lookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { LockstepError } from '@lockstep/domain/livepatch-model';

type Range = readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'];

const blockListOf = (ranges: readonly Range[]): BlockList => {
  const list = new BlockList();
  for (const [network, prefix, family] of ranges) list.addSubnet(network, prefix, family);
  return list;
};

const local = blockListOf([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
]);

/** Never an endpoint: a cloud's metadata are there, which whoever may name an endpoint must not be able to reach. */
const never = blockListOf([
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::', 32, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]);

/** `::ffff:7f00:1` is 127.0.0.1: both are looked at as IPv4. */
function plain(address: string): string {
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const bytes = [high, low].flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 255]);
  return bytes.join('.');
}

/** What is wrong with sending to this address; undefined: nothing. */
export function forbiddenRange(address: string, mayBeLocal: boolean): string | undefined {
  const known = plain(address);
  const family = isIP(known) === 6 ? 'ipv6' : 'ipv4';
  if (never.check(known, family)) return 'a link-local, multicast or unspecified address';
  return !mayBeLocal && local.check(known, family) ? 'this machine itself' : undefined;
}

/** Looks names up as every connection does, and refuses at the last moment what a name was made to lead to. */
export function guardedLookup(mayBeLocal: boolean): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      const [first] = (found as LookupAddress[] | undefined) ?? [];
      if (error !== null || first === undefined) {
        callback(error ?? new Error(`${host} has no address`), '', 0);
        return;
      }
      for (const { address } of found) {
        const range = forbiddenRange(address, mayBeLocal);
        if (range === undefined) continue;
        const message = `${host} leads to ${address}, ${range}: no events are sent there.`;
        callback(new LockstepError('refused', 'forbidden-address', message, { host, address }), '', 0);
        return;
      }
      if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
}
