// SPDX-License-Identifier: GPL-2.0-only
import { beforeAll, expect, jest, test } from '@jest/globals';
import { parseClusterName, parseKernelBuildId, parseSeq, parseSha256 } from '@lockstep/domain/livepatch-model';
import {
  encodeEntry,
  firstPreviousHash,
  parseLogKey,
  type EntryBody,
  type EntrySignature,
  type LogEntry,
} from '@lockstep/domain/load-order';
import { verifyOrder } from './verify-order';

const log = { cluster: parseClusterName('web'), kernelBuild: parseKernelBuildId('ab'.repeat(20)) };

const base64 = (bytes: ArrayBuffer): string => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

interface Signer {
  readonly pem: string;
  readonly sign: (bytes: ArrayBuffer) => Promise<string>;
}

async function newSigner(): Promise<Signer> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const spki = base64(await crypto.subtle.exportKey('spki', pair.publicKey));
  return {
    pem: `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`,
    sign: async (bytes) => base64(await crypto.subtle.sign('Ed25519', pair.privateKey, bytes)),
  };
}

async function append(entries: readonly LogEntry[], body: EntryBody, by: Signer): Promise<LogEntry[]> {
  const previousHash = entries.at(-1)?.hash ?? firstPreviousHash;
  const entry = { ...log, seq: parseSeq(entries.length + 1), previousHash, body };
  const hash = await crypto.subtle.digest('SHA-256', new Uint8Array(encodeEntry(entry)));
  const signature = (await by.sign(hash)) as EntrySignature;
  return [...entries, { ...entry, hash: parseSha256(hex(hash)), signature }];
}

const retire = (seq: number): EntryBody => ({ kind: 'retire', retires: parseSeq(seq) });

let first: Signer;
let second: Signer;
let firstKey: string;
let whole: LogEntry[];

beforeAll(async () => {
  [first, second] = [await newSigner(), await newSigner()];
  firstKey = first.pem;
  const rotate: EntryBody = { kind: 'rotate', key: parseLogKey(second.pem), proof: '' as EntrySignature };
  whole = await append([], retire(1), first);
  whole = await append(whole, rotate, first);
  whole = await append(whole, retire(1), second);
});

test('a log is whole where each entry is chained and signed by the key of its place, over a change of keys', async () => {
  expect(await verifyOrder({ entries: whole, firstKey })).toEqual({ brokenAt: undefined, unsignedAt: undefined });
  expect(await verifyOrder({ entries: [], firstKey })).toEqual({ brokenAt: undefined, unsignedAt: undefined });
});

test('an entry that was changed is not what its hash says', async () => {
  const changed = whole.map((entry, index) => (index === 2 ? { ...entry, body: retire(2) } : entry));
  expect((await verifyOrder({ entries: changed, firstKey })).brokenAt).toBe(3);
});

test('a key that another has taken the place of signs nothing more, and a stranger’s never did', async () => {
  const late = await append(whole, retire(1), first);
  expect(await verifyOrder({ entries: late, firstKey })).toEqual({ brokenAt: undefined, unsignedAt: 4 });
  expect((await verifyOrder({ entries: whole, firstKey: second.pem })).unsignedAt).toBe(1);
});

test('what is no key has signed nothing', async () => {
  expect((await verifyOrder({ entries: whole, firstKey: 'not one' })).unsignedAt).toBe(1);
});

test('in a browser that does not know such keys nothing is claimed of signatures', async () => {
  const unknown = new DOMException('Algorithm: Unrecognized name', 'NotSupportedError');
  const importKey = jest.spyOn(crypto.subtle, 'importKey').mockRejectedValue(unknown);
  expect(await verifyOrder({ entries: whole, firstKey })).toEqual({ brokenAt: undefined, unsignedAt: 'unknown' });
  importKey.mockRestore();
});
