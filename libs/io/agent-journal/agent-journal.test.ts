// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { entryToWire } from '@lockstep/contracts/wire';
import type {
  ClusterName,
  KernelBuildId,
  ModuleName,
  PatchId,
  PatchName,
  Seq,
  Sha256,
} from '@lockstep/domain/livepatch-model';
import {
  encodeEntry,
  proposeEntry,
  type EntrySignature,
  type LogChecks,
  type LogEntry,
  type LogName,
  type Switching,
} from '@lockstep/domain/load-order';
import { openAgentJournal } from './agent-journal';
import { RecordFile } from './record-file';

// Disks and timers on a machine that does other things too.
jest.setTimeout(60_000);

const sha256 = (data: string | Uint8Array): Sha256 => createHash('sha256').update(data).digest('hex') as Sha256;
const log: LogName = { cluster: 'web' as ClusterName, kernelBuild: 'ab'.repeat(20) as KernelBuildId };
const signatureBy = (key: string, hash: Sha256): EntrySignature => sha256(key + hash) as string as EntrySignature;
const checks: LogChecks = { hash: sha256, verify: (hash, signature) => signature === signatureBy('ours', hash) };

function append(entries: readonly LogEntry[], name: string, key = 'ours', switching: Switching = {}): LogEntry[] {
  const artifact = {
    sha256: sha256(name),
    sizeBytes: 4,
    kernelBuild: log.kernelBuild,
    moduleName: `lockstep_${name}` as ModuleName,
    patch: sha256(name) as string as PatchId,
    patchName: name as PatchName,
    replace: false,
    functions: [{ object: 'vmlinux', name, sympos: 0 }],
  };
  const entry = proposeEntry(log, entries, { kind: 'load', artifact, overrides: [], builtOnto: [], ...switching });
  const hash = sha256(encodeEntry(entry));
  return [...entries, { ...entry, hash, signature: signatureBy(key, hash) }];
}

const entries = append(append([], 'a'), 'b');
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-agent-journal-'));
  file = path.join(folder, 'journals/log.journal');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('starts empty and comes back with what was recorded', async () => {
  const journal = await openAgentJournal(file, log, checks);
  expect(journal.recorded).toEqual({ log, entries: [], target: 0, position: 0 });
  await journal.recordEntries(entries.slice(0, 1));
  await journal.recordTarget(1 as Seq);
  await journal.recordEntries(entries.slice(1));
  await journal.recordPosition(1 as Seq);
  await journal.recordTarget(2 as Seq);
  await journal.close();
  const again = await openAgentJournal(file, log, checks);
  expect(again.recorded).toEqual({ log, entries, target: 2, position: 1 });
  await again.close();
});

test('reads entries from before they had modes and timeouts; their hashes are what they were', async () => {
  const { journal } = await RecordFile.open(file);
  const old = entries.map(entryToWire).map((entry) => {
    if (entry.body?.$case !== 'load') throw new Error('no load');
    const { artifact, overrides, builtOnto } = entry.body.value;
    return { ...entry, body: { $case: 'load', value: { artifact, overrides, builtOnto } } };
  });
  await journal.append(old.map((entry) => ({ kind: 'entry', entry })));
  await journal.close();
  const again = await openAgentJournal(file, log, checks);
  expect(again.recorded.entries).toEqual(entries);
  await again.close();
});

test('keeps mode and timeout of an entry', async () => {
  const careful = append(entries, 'c', 'ours', { consistency: 'system', transitionTimeoutMs: 30_000 });
  const journal = await openAgentJournal(file, log, checks);
  await journal.recordEntries(careful);
  await journal.close();
  const again = await openAgentJournal(file, log, checks);
  expect(again.recorded.entries).toEqual(careful);
  await again.close();
});

test.each([
  ['entries of another signer', append(entries, 'c', 'theirs'), log],
  ['a gap', entries.slice(1), log],
  ['the log of another cluster', entries, { ...log, cluster: 'db' as ClusterName }],
  ['the log of another kernel build', entries, { ...log, kernelBuild: 'cd'.repeat(20) as KernelBuildId }],
])('refuses a file with %s', async (_, recorded, asked) => {
  const journal = await openAgentJournal(file, log, checks);
  await journal.recordEntries(recorded);
  await journal.close();
  await expect(openAgentJournal(file, asked, checks)).rejects.toMatchObject({
    kind: 'corrupt',
    reason: 'journal-not-signed',
  });
});
