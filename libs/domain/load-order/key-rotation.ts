// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { EntrySignature, HashBytes, RotateBody, UnsignedEntry } from './log-entry';
import type { LogKey } from './log-key';

/** What reading an entry takes that brings a key in. */
export const introducesKey = {
  kind: 'rotate',
  key: '' as LogKey,
  proof: '' as EntrySignature,
} as const satisfies RotateBody;

/** The keys that a log has brought in, one after the other; it began with the one that its agents were given when they enrolled. */
export function keysOf(entries: readonly Pick<UnsignedEntry, 'body'>[]): LogKey[] {
  return entries.flatMap(({ body }) => (body.kind === 'rotate' ? [body.key] : []));
}

/** The key that signs what follows; undefined: the first. */
export const currentKey = (entries: readonly Pick<UnsignedEntry, 'body'>[]): LogKey | undefined =>
  keysOf(entries).at(-1);

/** Where a key is brought in. */
export type KeyPlace = Pick<UnsignedEntry, 'cluster' | 'kernelBuild' | 'seq' | 'previousHash'>;

/**
 * What a new key signs to say that it takes over. It names the entry's very place: a proof says nothing in another
 * history, which whoever has an old key might write.
 */
export function encodeKeyProof({ cluster, kernelBuild, seq, previousHash }: KeyPlace, key: LogKey): Uint8Array {
  const text = JSON.stringify([cluster, kernelBuild, seq, previousHash, key]);
  return new TextEncoder().encode(`lockstep log key 1\n${text}`);
}

/** Signs with the private half of a key; undefined: the first. */
export type SignWith = (key: LogKey | undefined, hash: Sha256) => EntrySignature | Promise<EntrySignature>;

/** The body that brings `key` in at this place. */
export async function introduceKey(place: KeyPlace, key: LogKey, hash: HashBytes, sign: SignWith): Promise<RotateBody> {
  return { kind: 'rotate', key, proof: await sign(key, hash(encodeKeyProof(place, key))) };
}

/** Whichever of the two came later, where `entries` hold the known one; else what was known: a key is never lowered. */
export function newestKey(
  known: LogKey | undefined,
  entries: readonly Pick<UnsignedEntry, 'body'>[],
): LogKey | undefined {
  const keys = keysOf(entries);
  return known === undefined || keys.includes(known) ? keys.at(-1) : known;
}
