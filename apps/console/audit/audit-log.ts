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

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const sha256 = async (bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));

/**
 * Whether what was read is one unbroken chain that the log key vouches for: computed here, not believed.
 * @throws DOMException in a browser that knows no Ed25519.
 */
export async function verifyAudit({ records, checkpoints, publicKey }: AuditRead): Promise<AuditVerdict> {
  const spki = bytesOf(publicKey.replace(/-----[A-Z ]+-----|\s/g, ''));
  const key = await crypto.subtle.importKey('spki', spki, 'Ed25519', false, ['verify']);
  const hashes = new Map<string, string>();
  // The domain asks at once; what it will ask is computed before.
  const note = async (bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => {
    const hash = await sha256(bytes);
    hashes.set(new TextDecoder().decode(bytes), hexOf(hash));
    return hash;
  };
  for (const record of records) await note(encodeAuditRecord(record));
  const good = new Set<string>();
  for (const checkpoint of checkpoints) {
    const digest = await note(encodeAuditCheckpoint(checkpoint));
    if (await crypto.subtle.verify('Ed25519', key, bytesOf(checkpoint.signature), digest)) {
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
