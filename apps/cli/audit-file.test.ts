// SPDX-License-Identifier: GPL-2.0-only
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  AuditCheck,
  chainRecord,
  encodeAuditCheckpoint,
  type AuditCheckpoint,
  type AuditRecord,
} from '@lockstep/domain/audit';
import { parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type EntrySignature } from '@lockstep/domain/load-order';
import { createLogVerifier } from '@lockstep/io/certificates';
import { checkFile, checkpointLine, recordLine } from './audit-file';

// What somebody could do to an export on its way to another machine.

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-audit-file-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const hash = (bytes: Uint8Array): Sha256 => parseSha256(createHash('sha256').update(bytes).digest('hex'));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const verify = createLogVerifier(publicKey.export({ type: 'spki', format: 'pem' }).toString());

function chain(reason: (index: number) => string): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let index = 0; index < 9; index += 1) {
    const event = {
      ...{ who: 'person:Zoë', token: 't', from: '10.0.0.1:5', call: 'Fleet/AppendLoad', on: 'cluster web' },
      ...{ details: '{}', because: reason(index), result: 'done', at: '2026-11-28T10:00:00.000Z' },
    };
    records.push(chainRecord(event, records.at(-1) ?? { seq: 0, hash: firstPreviousHash }, hash));
  }
  return records;
}

function signed({ seq, hash: head }: AuditRecord): AuditCheckpoint {
  const digest = hash(encodeAuditCheckpoint({ seq, hash: head }));
  const signature = sign(null, Buffer.from(digest, 'hex'), privateKey).toString('base64') as EntrySignature;
  return { seq, hash: head, signature };
}

const records = chain((index) => `because of ${index}\u2028and a line`);
const others = chain((index) => `for another reason ${index}`);
const checkpoints = [records[3]!, records[8]!].map(signed);
const lines = [...records.map(recordLine), ...checkpoints.map(checkpointLine)];

/** The faults of the export, or why it is none. */
async function verdictOf(some: readonly string[]): Promise<string> {
  const file = path.join(folder, 'export');
  writeFileSync(file, some.join(''));
  const check = new AuditCheck({ hash, verify });
  try {
    await checkFile(file, check);
  } catch (error) {
    return (error as { readonly reason: string }).reason;
  }
  const kinds = check.end().faults.map(({ kind }) => kind);
  return [...new Set(kinds)].join() || 'whole';
}

const edit = (at: number, change: (line: string) => string): string[] =>
  lines.map((line, index) => (index === at ? change(line) : line));

test('a whole one verifies, whatever its records say, and with checkpoints anywhere behind their records', async () => {
  expect(await verdictOf(lines)).toBe('whole');
  expect(await verdictOf([...lines.slice(0, 4), lines[9]!, ...lines.slice(4, 9), lines[10]!])).toBe('whole');
  expect(await verdictOf(lines.map((line) => line.replace('\n', '\r\n')))).toBe('whole');
});

test.each<[string, () => readonly string[], string]>([
  ['that is empty', () => [], 'empty-export'],
  ['of line breaks', () => ['\n\n'], 'empty-export'],
  ['without its first record', () => lines.slice(1), 'missing'],
  ['without its last', () => lines.filter((_, index) => index !== 8), 'truncated,unsigned'],
  ['without a checkpoint', () => lines.slice(0, 9), 'unsigned'],
  ['with a record twice', () => [...lines.slice(0, 3), lines[2]!, ...lines.slice(3)], 'missing'],
  ['with two records the other way round', () => [lines[1]!, lines[0]!, ...lines.slice(2)], 'missing'],
  [
    'that goes on with another history',
    () => [...records.slice(0, 5), ...others.slice(5)].map(recordLine).concat(lines.slice(9)),
    'broken-chain,other-history,unsigned',
  ],
  [
    'of another history with the checkpoints of this one',
    () => [...others.map(recordLine), ...lines.slice(9)],
    'other-history,unsigned',
  ],
  ['with its numbers moved', () => edit(2, (line) => line.replace('"seq":3', '"seq":4')), 'edited,missing'],
  ['with another way to write a time', () => edit(2, (line) => line.replace('00.000Z', '00.000+00:00')), 'edited'],
  ['with another time zone', () => edit(2, (line) => line.replace('T10:00:00.000Z', 'T11:00:00.000+01:00')), 'edited'],
  ['with another form of a letter', () => edit(2, (line) => line.replace('Zoë', 'Zoe\u0308')), 'edited'],
  ['with a letter that looks the same', () => edit(2, (line) => line.replace('person', 'p\u0435rson')), 'edited'],
  ['with a letter that is not seen', () => edit(2, (line) => line.replace('person', 'per\u200bson')), 'edited'],
  [
    'with a word that no record has',
    () => edit(2, (line) => line.replace('"seq":3', '"seq":3,"approvedBy":"alice"')),
    'not-an-export',
  ],
  [
    'with a word beside a record',
    () => edit(2, (line) => line.replace('{"record"', '{"note":"x","record"')),
    'not-an-export',
  ],
  [
    'with a word in a checkpoint',
    () => edit(9, (line) => line.replace('"seq":4', '"seq":4,"by":"alice"')),
    'not-an-export',
  ],
  ['with two records on a line', () => edit(2, (line) => line.trim() + lines[3]!), 'not-an-export'],
  ['with a comment', () => ['# an export\n', ...lines], 'not-an-export'],
])('one %s is found out', async (_, make, expected) => {
  expect(await verdictOf(make())).toBe(expected);
});

test('a letter that is written as a number is the same letter', async () => {
  expect(await verdictOf(edit(2, (line) => line.replace('ë', '\\u00eb')))).toBe('whole');
});
