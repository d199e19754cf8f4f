// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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
import type { BegunLoad, Quarantine } from '@lockstep/domain/node-state';
import { openAgentJournal, type AgentJournal } from './agent-journal';
import { RecordFile } from './record-file';
import { markShutdown, readShutdownMarks, withdrawShutdownMark } from './shutdown-marks';

const sha256 = (data: string | Uint8Array): Sha256 => createHash('sha256').update(data).digest('hex') as Sha256;
const log: LogName = { cluster: 'web' as ClusterName, kernelBuild: 'ab'.repeat(20) as KernelBuildId };
const signatureBy = (key: string, hash: Sha256): EntrySignature => sha256(key + hash) as string as EntrySignature;
const checks: LogChecks = {
  hash: sha256,
  verify: (hash, signature) => signature === signatureBy('ours', hash),
  verifyBy: () => false,
};

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

/** Nothing has happened to this host yet. */
const noHistory = { loads: [], endedBoots: [], quarantines: [], disowned: [] };

test('starts empty and comes back with what was recorded', async () => {
  const journal = await openAgentJournal(file, log, checks);
  expect(journal.recorded).toEqual({ log, entries: [], target: 0, position: 0, ...noHistory });
  await journal.recordEntries(entries.slice(0, 1));
  await journal.recordTarget(1 as Seq);
  await journal.recordEntries(entries.slice(1));
  await journal.recordPosition(1 as Seq);
  await journal.recordTarget(2 as Seq);
  await journal.close();
  const again = await openAgentJournal(file, log, checks);
  expect(again.recorded).toEqual({ log, entries, target: 2, position: 1, ...noHistory });
  await again.close();
});

test('an operator’s word about foreign livepatches is kept until it is over, also when the journal is written anew', async () => {
  const disowned = async (write: (journal: AgentJournal) => Promise<void>): Promise<unknown> => {
    const journal = await openAgentJournal(file, log, checks);
    await write(journal);
    await journal.close();
    const again = await openAgentJournal(file, log, checks);
    await again.close();
    return again.recorded.disowned;
  };
  const foreign = ['foreign', 'foreign_too'] as ModuleName[];
  expect(await disowned((journal) => journal.recordRepair(foreign))).toEqual(foreign);
  const boots = async (journal: AgentJournal): Promise<void> => {
    for (let boot = 0; boot < 600; boot += 1) await journal.recordBoot(`boot-${boot}`, []);
  };
  expect(await disowned(boots)).toEqual(foreign);
  expect(await disowned((journal) => journal.recordRepair([]))).toEqual([]);
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

test.each([
  ['a target above its head', { kind: 'target', seq: 4 }],
  ['a position beyond its target', { kind: 'position', seq: 1 }],
  ['a number that is none', { kind: 'target', seq: -1 }],
  ['an entry without content', { kind: 'entry', entry: { seq: 3 } }],
])('a file with %s is damaged, whole as its lines are', async (_, record) => {
  const { journal } = await RecordFile.open(file);
  await journal.append([...entries.map((entry) => ({ kind: 'entry', entry: entryToWire(entry) })), record]);
  await journal.close();
  await expect(openAgentJournal(file, log, checks)).rejects.toMatchObject({
    kind: 'corrupt',
    reason: 'journal-damaged',
    message: expect.stringMatching(/ is damaged: .*remove it and reboot/),
  });
});

describe('what loads did to the host', () => {
  const quarantine: Quarantine = {
    ...{ seq: 2 as Seq, crashedBoot: 'boot-1', foundBoot: 'boot-2' },
    ...{ evidence: 'no-clean-shutdown', released: false },
  };
  const load = (seq: number, bootId: string): BegunLoad => ({ seq: seq as Seq, bootId, atMs: 7, stable: false });

  async function historyOf(write: (journal: AgentJournal) => Promise<void>): Promise<unknown> {
    const journal = await openAgentJournal(file, log, checks);
    await write(journal);
    await journal.close();
    const again = await openAgentJournal(file, log, checks);
    await again.close();
    const { loads, quarantines } = again.recorded;
    return { loads, quarantines };
  }

  test('begins, becomes stable, is judged, is released, is survived', async () => {
    const begun = await historyOf(async (journal) => {
      await journal.recordLoad(load(1, 'boot-1'));
      await journal.recordLoad(load(2, 'boot-1'));
      await journal.recordStable([1 as Seq], 'boot-1');
    });
    const stable = { ...load(1, 'boot-1'), stable: true };
    expect(begun).toEqual({ loads: [stable, load(2, 'boot-1')], quarantines: [] });
    const judged = await historyOf((journal) => journal.recordBoot('boot-2', [quarantine]));
    expect(judged).toEqual({ loads: [], quarantines: [quarantine] });
    const released = await historyOf(async (journal) => {
      await journal.recordQuarantines([{ ...quarantine, released: true }]);
      await journal.recordLoad(load(2, 'boot-2'));
    });
    expect(released).toEqual({ loads: [load(2, 'boot-2')], quarantines: [{ ...quarantine, released: true }] });
    const survived = await historyOf((journal) => journal.recordStable([2 as Seq], 'boot-2'));
    expect(survived).toEqual({ loads: [{ ...load(2, 'boot-2'), stable: true }], quarantines: [] });
  });

  test('thousands of boots do not make the journal grow without end, and nothing that counts is lost', async () => {
    const sizes: number[] = [];
    for (let life = 0; life < 4; life += 1) {
      const journal = await openAgentJournal(file, log, checks);
      if (life === 0) await journal.recordEntries(entries);
      await journal.recordTarget(2 as Seq);
      for (let boot = 0; boot < 300; boot += 1) {
        const bootId = `boot-${life}-${boot}`;
        await journal.recordBoot(bootId, boot === 0 ? [quarantine] : []);
        await journal.recordLoad(load(1, bootId));
      }
      await journal.close();
      const again = await openAgentJournal(file, log, checks);
      await again.close();
      const { recorded } = again;
      sizes.push(statSync(file).size);
      expect(recorded).toMatchObject({ entries, target: 2, quarantines: [quarantine] });
      expect(recorded.loads).toEqual([load(1, `boot-${life}-299`)]);
    }
    expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(sizes[0]! + 4096);
  });
});

test('boots that ended in order are known by all journals; one that goes on is not', async () => {
  await markShutdown(folder, { bootId: 'boot-1', atMs: 1 });
  await markShutdown(folder, { bootId: 'boot-2', atMs: 2 });
  await markShutdown(folder, { bootId: 'boot-1', atMs: 3 });
  await withdrawShutdownMark(folder, 'boot-2');
  await withdrawShutdownMark(folder, 'boot-3');
  expect(await readShutdownMarks(folder)).toEqual([{ bootId: 'boot-1', atMs: 3 }]);
});
