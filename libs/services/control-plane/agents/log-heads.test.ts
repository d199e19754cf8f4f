// SPDX-License-Identifier: GPL-2.0-only
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { LockstepError, type ClusterName, type KernelBuildId, type Sha256 } from '@lockstep/domain/livepatch-model';
import {
  currentKey,
  encodeEntry,
  headHash,
  introduceKey,
  nextSeq,
  refuseHead,
  type EntrySignature,
  type LogEntry,
  type LogKey,
  type LogName,
} from '@lockstep/domain/load-order';
import { createLogSigner, logChecksOf, type LogSigner } from '@lockstep/io/certificates';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { LogHeads } from './log-heads';

const log: LogName = { cluster: 'web' as ClusterName, kernelBuild: 'ab'.repeat(20) as KernelBuildId };
const hourMs = 3_600_000;

const pems = [1, 2].map(() =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
);
const [first, second] = pems.map(createLogSigner) as [LogSigner, LogSigner];
const checks = logChecksOf(first.publicKeyPem);

async function withKey(entries: readonly LogEntry[], key: LogSigner): Promise<LogEntry[]> {
  const place = { ...log, seq: nextSeq(entries), previousHash: headHash(entries) };
  const body = await introduceKey(place, key.publicKeyPem, sha256OfBytes, (_, hash) => key.sign(hash));
  const hash = sha256OfBytes(encodeEntry({ ...place, body }));
  return [...entries, { ...place, body, hash, signature: first.sign(hash) }];
}

function headsOf(known: { entries: readonly LogEntry[]; keys: LogKey[]; nowMs: number; missing?: boolean }) {
  const errors: string[] = [];
  const signWith = (key: LogKey | undefined, hash: Sha256): EntrySignature => {
    if (known.missing === true) throw new LockstepError('not-found', 'log-key-missing', 'It is not there.');
    return (key === second.publicKeyPem ? second : first).sign(hash);
  };
  const heads = new LogHeads({
    logs: { entries: () => Promise.resolve(known.entries), names: () => [log] },
    store: { keys: () => Promise.resolve(known.keys) },
    keys: { sign: signWith },
    sessions: { wakeAll: () => Promise.resolve() },
    log: { error: (_: unknown, message?: string) => errors.push(message ?? '') },
    nowMs: () => known.nowMs,
  });
  return { heads, errors };
}

test('one that agents take is told for an hour, then a new one, and another when the log grows', async () => {
  const known = { entries: [] as LogEntry[], keys: [] as LogKey[], nowMs: Date.UTC(2026, 10, 28) };
  const { heads } = headsOf(known);
  const told = await heads.headOf(log);
  expect(refuseHead({ log, entries: [] }, told.head, checks, known.nowMs)).toBeUndefined();
  known.nowMs += hourMs - 1;
  expect(await heads.headOf(log)).toBe(told);
  known.nowMs += 1;
  const later = await heads.headOf(log);
  expect(later.head.expiresAtMs - told.head.expiresAtMs).toBe(hourMs);
  known.entries = await withKey([], second);
  const grown = (await heads.headOf(log)).head;
  expect(grown.key).toBe(currentKey(known.entries));
  expect(refuseHead({ log, entries: known.entries }, grown, checks, known.nowMs)).toBeUndefined();
  // A clock that was set back signs anew: the one before would be told for too long.
  known.nowMs -= 5 * hourMs;
  expect((await heads.headOf(log)).head.issuedAtMs).toBe(known.nowMs);
});

test('a log without entries is signed with the key that its first one will be', async () => {
  const { heads } = headsOf({ entries: [], keys: [second.publicKeyPem], nowMs: 0 });
  const { head } = await heads.headOf(log);
  expect(refuseHead({ log, entries: [], newestKey: second.publicKeyPem }, head, checks, 0)).toBeUndefined();
  expect(refuseHead({ log, entries: [] }, head, checks, 0)).toBe('lowered-key');
});

test('without its key nothing is told, and nobody is cut off', async () => {
  const { heads, errors } = headsOf({ entries: [], keys: [], nowMs: 0, missing: true });
  expect(await heads.toldHeadOf(log)).toBeUndefined();
  expect(errors).toEqual(['cannot sign where the load order ends']);
  await expect(heads.headOf(log)).rejects.toMatchObject({ reason: 'log-key-missing' });
});
