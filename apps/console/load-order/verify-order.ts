// SPDX-License-Identifier: GPL-2.0-only
import { encodeEntry, firstPreviousHash, type LogEntry } from '@lockstep/domain/load-order';
import { asProblem } from '../api/problem';
import { bytesOfBase64, bytesOfHex, hexOf, isSignedBy, publicKeyOf, sha256Of } from '../signatures/signatures';
import type { Order } from './order';

/** What this page itself has found out about a log, of which it trusts the first key alone. */
export interface OrderVerdict {
  /** The first entry that is not what its hash says, or does not name the one before; undefined: the chain is whole. */
  readonly brokenAt: number | undefined;
  /** The first one that the key of its place has not signed; `unknown`: this browser has no Ed25519. */
  readonly unsignedAt: number | undefined | 'unknown';
}

async function hashOf(entry: LogEntry): Promise<string> {
  return hexOf(await sha256Of(encodeEntry(entry)));
}

async function brokenAt(entries: readonly LogEntry[]): Promise<number | undefined> {
  let previous: string = firstPreviousHash;
  for (const entry of entries) {
    if (entry.previousHash !== previous || (await hashOf(entry)) !== entry.hash) return entry.seq;
    previous = entry.hash;
  }
  return undefined;
}

/** Undefined: it is no key, so that nothing is signed by it. @throws ApiProblem `no-ed25519` */
const keyOf = (pem: string): Promise<CryptoKey | undefined> =>
  publicKeyOf(pem).catch((error: unknown) => {
    if (asProblem(error).reason === 'no-ed25519') throw error;
    return undefined;
  });

/** From the key that load orders begin with on, each entry that brings a new one in hands over to it. */
async function unsignedAt({ entries, firstKey }: Pick<Order, 'entries' | 'firstKey'>): Promise<number | undefined> {
  let key = await keyOf(firstKey);
  for (const { seq, hash, signature, body } of entries) {
    const isSigned = key !== undefined && (await isSignedBy(key, bytesOfHex(hash), bytesOfBase64(signature)));
    if (!isSigned) return seq;
    if (body.kind === 'rotate') key = await keyOf(body.key);
  }
  return undefined;
}

/** Reads a log as an agent does before it takes it: hash by hash, signature by signature. */
export async function verifyOrder(order: Pick<Order, 'entries' | 'firstKey'>): Promise<OrderVerdict> {
  const signatures = unsignedAt(order).catch((error: unknown) => {
    if (asProblem(error).reason === 'no-ed25519') return 'unknown' as const;
    throw error;
  });
  return { brokenAt: await brokenAt(order.entries), unsignedAt: await signatures };
}
