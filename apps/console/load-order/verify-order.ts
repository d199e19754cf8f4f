// SPDX-License-Identifier: GPL-2.0-only
import { encodeEntry, firstPreviousHash, type LogEntry } from '@lockstep/domain/load-order';
import type { Order } from './order';

/** What this page itself has found out about a log, of which it trusts the first key alone. */
export interface OrderVerdict {
  /** The first entry that is not what its hash says, or does not name the one before; undefined: the chain is whole. */
  readonly brokenAt: number | undefined;
  /** The first one that the key of its place has not signed; `unknown`: this browser has no Ed25519. */
  readonly unsignedAt: number | undefined | 'unknown';
}

const bytesOfHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const bytesOfBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const hexOf = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

async function hashOf(entry: LogEntry): Promise<string> {
  return hexOf(await crypto.subtle.digest('SHA-256', new Uint8Array(encodeEntry(entry))));
}

async function brokenAt(entries: readonly LogEntry[]): Promise<number | undefined> {
  let previous: string = firstPreviousHash;
  for (const entry of entries) {
    if (entry.previousHash !== previous || (await hashOf(entry)) !== entry.hash) return entry.seq;
    previous = entry.hash;
  }
  return undefined;
}

const importKey = (pem: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('spki', bytesOfBase64(pem.replaceAll(/-----[^-]+-----|\s/g, '')), 'Ed25519', false, [
    'verify',
  ]);

/** From the key that load orders begin with on, each entry that brings a new one in hands over to it. */
async function unsignedAt({
  entries,
  firstKey,
}: Pick<Order, 'entries' | 'firstKey'>): Promise<OrderVerdict['unsignedAt']> {
  let key: CryptoKey;
  try {
    key = await importKey(firstKey);
  } catch {
    return 'unknown';
  }
  for (const { seq, hash, signature, body } of entries) {
    const isSigned = await crypto.subtle.verify('Ed25519', key, bytesOfBase64(signature), bytesOfHex(hash));
    if (!isSigned) return seq;
    if (body.kind === 'rotate') key = await importKey(body.key);
  }
  return undefined;
}

/** Reads a log as an agent does before it takes it: hash by hash, signature by signature. */
export async function verifyOrder(order: Pick<Order, 'entries' | 'firstKey'>): Promise<OrderVerdict> {
  return { brokenAt: await brokenAt(order.entries), unsignedAt: await unsignedAt(order) };
}
