// SPDX-License-Identifier: GPL-2.0-only
import {
  AuditCheck,
  encodeAuditCheckpoint,
  encodeAuditRecord,
  type AuditCheckpoint,
  type AuditRecord,
  type AuditVerdict,
} from '@lockstep/domain/audit';
import { parseSha256 } from '@lockstep/domain/livepatch-model';
import type { EntrySignature } from '@lockstep/domain/load-order';
import type { Schemas } from '../api/schemas';
import { bytesOfBase64, hexOf, isSignedBy, publicKeyOf, sha256Of } from '../signatures/signatures';

/** Read so far: records in order, and who vouches for them. */
export interface AuditRead {
  readonly records: readonly AuditRecord[];
  readonly checkpoints: readonly AuditCheckpoint[];
  /** SPKI, PEM. */
  readonly publicKey: string;
}

export const nothingRead: AuditRead = { records: [], checkpoints: [], publicKey: '' };

const recordOf = (record: Schemas['AuditRecord']): AuditRecord => ({
  ...{ seq: record.seq ?? 0, at: record.at ?? '', who: record.who ?? '', token: record.token ?? '' },
  ...{ from: record.from ?? '', call: record.call ?? '', on: record.on ?? '', details: record.details ?? '' },
  ...{ because: record.because ?? '', result: record.result ?? '' },
  previousHash: parseSha256(record.previousHash ?? ''),
  hash: parseSha256(record.hash ?? ''),
});

const checkpointOf = ({ seq = 0, hash = '', signature = '' }: Schemas['AuditCheckpoint']): AuditCheckpoint => ({
  ...{ seq, hash: parseSha256(hash), signature: signature as EntrySignature },
});

/** With what a message tells; of a stream that was begun again nothing is there twice. */
export function readOn(
  read: AuditRead,
  { records = [], checkpoints = [], logPublicKey = '' }: Schemas['ReadAuditResponse'],
): AuditRead {
  const last = read.records.at(-1)?.seq ?? 0;
  const known = new Set(read.checkpoints.map(({ seq }) => seq));
  return {
    records: [...read.records, ...records.map(recordOf).filter(({ seq }) => seq > last)],
    checkpoints: [...read.checkpoints, ...checkpoints.map(checkpointOf).filter(({ seq }) => !known.has(seq))],
    publicKey: logPublicKey === '' ? read.publicKey : logPublicKey,
  };
}

/**
 * Whether what was read is one unbroken chain that the log key vouches for: computed here, not believed.
 * @throws ApiProblem `no-ed25519`.
 */
export async function verifyAudit({ records, checkpoints, publicKey }: AuditRead): Promise<AuditVerdict> {
  const key = await publicKeyOf(publicKey);
  const hashes = new Map<string, string>();
  // The domain asks at once; what it will ask is computed before.
  const note = async (bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => {
    const hash = await sha256Of(bytes);
    hashes.set(new TextDecoder().decode(bytes), hexOf(hash));
    return hash;
  };
  for (const record of records) await note(encodeAuditRecord(record));
  const good = new Set<string>();
  for (const checkpoint of checkpoints) {
    const digest = await note(encodeAuditCheckpoint(checkpoint));
    if (await isSignedBy(key, digest, bytesOfBase64(checkpoint.signature))) {
      good.add(`${hexOf(digest)} ${checkpoint.signature}`);
    }
  }
  const checks = {
    hash: (bytes: Uint8Array) => parseSha256(hashes.get(new TextDecoder().decode(bytes)) ?? ''),
    verify: (digest: string, signature: string) => good.has(`${digest} ${signature}`),
  };
  const [first] = records;
  // Of a log that was read from somewhere on, what lies before is taken for what the first record says.
  const isWhole = first === undefined || first.seq === 1;
  const check = isWhole
    ? new AuditCheck(checks)
    : new AuditCheck(checks, { seq: first.seq - 1, hash: first.previousHash });
  for (const record of records) check.take(record);
  for (const checkpoint of checkpoints) check.takeCheckpoint(checkpoint);
  return check.end();
}
