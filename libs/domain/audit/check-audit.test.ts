// SPDX-License-Identifier: GPL-2.0-only
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type EntrySignature } from '@lockstep/domain/load-order';
import fc from 'fast-check';
import { chainRecord, encodeAuditCheckpoint, type AuditCheckpoint, type AuditRecord } from './audit-record';
import { AuditCheck, type AuditVerdict } from './check-audit';

const hash = (bytes: Uint8Array): Sha256 => parseSha256(createHash('sha256').update(bytes).digest('hex'));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const checks = {
  hash,
  verify: (digest: Sha256, signature: EntrySignature) =>
    verify(null, Buffer.from(digest, 'hex'), publicKey, Buffer.from(signature, 'base64')),
};

const checkpointOf = ({ seq, hash: head }: AuditRecord): AuditCheckpoint => {
  const digest = hash(encodeAuditCheckpoint({ seq, hash: head }));
  return {
    ...{ seq, hash: head },
    signature: sign(null, Buffer.from(digest, 'hex'), privateKey).toString('base64') as EntrySignature,
  };
};

const count = 12;
const records: AuditRecord[] = [];
for (let index = 0; index < count; index += 1) {
  const event = {
    ...{ who: 'person:alice', token: 't', from: '10.0.0.1:5', call: 'Fleet/AppendLoad', on: 'cluster web' },
    ...{ details: `{"patch":"fix-${index}"}`, because: '', result: 'done', at: '2026-11-28T10:00:00.000Z' },
  };
  records.push(chainRecord(event, records.at(-1) ?? { seq: 0, hash: firstPreviousHash }, hash));
}
const checkpoints = records.filter(({ seq }) => seq % 4 === 0).map(checkpointOf);

function judge(some: readonly AuditRecord[], signed: readonly AuditCheckpoint[] = checkpoints): AuditVerdict {
  const check = new AuditCheck(checks);
  for (const record of some) check.take(record);
  for (const checkpoint of signed) check.takeCheckpoint(checkpoint);
  return check.end();
}

const kinds = (verdict: AuditVerdict): string[] => verdict.faults.map(({ kind }) => kind);

/** As somebody would who can write the table and knows how records are hashed. */
const rehashed = (some: readonly AuditRecord[]): AuditRecord[] => {
  const chained: AuditRecord[] = [];
  for (const record of some)
    chained.push(chainRecord(record, chained.at(-1) ?? { seq: 0, hash: firstPreviousHash }, hash));
  return chained;
};

describe('an audit log', () => {
  test('that is whole has no fault', () => {
    expect(judge(records)).toEqual({
      ...{ records: count, checkpoints: 3, lastSeq: count, lastHash: records.at(-1)?.hash, faults: [] },
    });
  });

  test('of which any field of any record was changed is found out, also if all that follows is hashed anew', () => {
    const text = ['who', 'token', 'from', 'call', 'on', 'details', 'because', 'result', 'at'] as const;
    fc.assert(
      fc.property(fc.nat(count - 1), fc.constantFrom(...text), fc.string({ minLength: 1 }), (index, field, more) => {
        const edited = records.map((record, at) =>
          at === index ? { ...record, [field]: record[field] + more } : record,
        );
        expect(kinds(judge(edited))).toContain('edited');
        expect(kinds(judge(rehashed(edited)))).toContain('other-history');
      }),
    );
  });

  test('of which records were taken out or moved is found out', () => {
    fc.assert(
      fc.property(fc.nat(count - 2), (index) => {
        const without = records.filter((_, at) => at !== index);
        expect(kinds(judge(without))).toContain('missing');
        expect(kinds(judge(rehashed(without))).filter((kind) => kind !== 'missing')).not.toEqual([]);
        const swapped = [...records];
        [swapped[index], swapped[index + 1]] = [swapped[index + 1]!, swapped[index]!];
        expect(judge(swapped).faults).not.toEqual([]);
        expect(judge(rehashed(swapped)).faults).not.toEqual([]);
      }),
    );
  });

  test('whose end was cut off is found out by any later checkpoint; without one, what is left is not vouched for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: count - 1 }), (left) => {
        const cut = records.slice(0, left);
        expect(kinds(judge(cut))).toContain('truncated');
        const known = checkpoints.filter(({ seq }) => seq <= left);
        if (left % 4 !== 0) expect(kinds(judge(cut, known))).toEqual(['unsigned']);
      }),
    );
  });

  test('with a checkpoint of another key is found out', () => {
    const other = generateKeyPairSync('ed25519').privateKey;
    const last = records.at(-1)!;
    const digest = hash(encodeAuditCheckpoint(last));
    const signature = sign(null, Buffer.from(digest, 'hex'), other).toString('base64') as EntrySignature;
    const forged = { seq: last.seq, hash: last.hash, signature };
    expect(kinds(judge(records, [...checkpoints.slice(0, 2), forged]))).toEqual(['forged-checkpoint', 'unsigned']);
  });

  test('of which the key has signed another history is found out, in whichever order that comes', () => {
    const before = records.slice(0, 3);
    const elsewhere = chainRecord({ ...records[3]!, because: 'another' }, before.at(-1)!, hash);
    fc.assert(
      fc.property(fc.nat(checkpoints.length), (at) => {
        const signed = [...checkpoints.slice(0, at), checkpointOf(elsewhere), ...checkpoints.slice(at)];
        expect(kinds(judge(records, signed))).toEqual(['other-history']);
      }),
    );
  });

  test('that is whole has no fault for a checkpoint that is told again, or is older than where the log begins', () => {
    expect(kinds(judge(records, [...checkpoints, checkpoints[0]!, ...checkpoints]))).toEqual([]);
    const check = new AuditCheck(checks, checkpoints[1]);
    for (const record of records.slice(8)) check.take(record);
    for (const checkpoint of checkpoints) check.takeCheckpoint(checkpoint);
    expect(check.end().faults).toEqual([]);
  });

  test('of which a checkpoint was taken out that is told at the end is found out', () => {
    expect(kinds(judge(records, [...checkpoints.slice(1), checkpoints[0]!]))).toEqual(['late-checkpoint']);
  });

  test('can be looked at from a checkpoint on that was kept', () => {
    const check = new AuditCheck(checks, checkpoints[0]);
    for (const record of records.slice(4)) check.take(record);
    for (const checkpoint of checkpoints.slice(1)) check.takeCheckpoint(checkpoint);
    expect(check.end()).toMatchObject({ records: 8, faults: [] });
  });
});
