// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { EntrySignature, HashBytes } from '@lockstep/domain/load-order';

/** What somebody did, or was refused. */
export interface AuditEvent {
  /** `person:alice`, `service:ci`, `node:web-1`, `stranger`, `control-plane`. */
  readonly who: string;
  /** Name of the access token; empty where there was none. */
  readonly token: string;
  /** Address and port that it came from; empty for what the control plane did by itself. */
  readonly from: string;
  /** `Fleet/AppendLoad`. */
  readonly call: string;
  /** `cluster web`, `all clusters`, `installation`. */
  readonly on: string;
  /** What was asked for, as JSON, long parts cut. */
  readonly details: string;
  /** Why, in the words of who did it; empty where nothing was said. */
  readonly because: string;
  /** `done`; `begun` before what has no transaction; or the reason of the refusal. */
  readonly result: string;
}

/** An event in its place. */
export interface AuditRecord extends AuditEvent {
  readonly seq: number;
  /** When it was written, ISO with milliseconds. */
  readonly at: string;
  readonly previousHash: Sha256;
  /** sha256 of `encodeAuditRecord` of this record. */
  readonly hash: Sha256;
}

/** The log key's word that the chain up to here is whole. */
export interface AuditCheckpoint {
  readonly seq: number;
  readonly hash: Sha256;
  readonly signature: EntrySignature;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The bytes that are hashed: a version line, then a JSON array in a fixed order, which keeps every boundary. */
export function encodeAuditRecord(record: Omit<AuditRecord, 'hash'>): Uint8Array {
  const { seq, previousHash, at, who, token, from, call, on, details, because, result } = record;
  const fields = [seq, previousHash, at, who, token, from, call, on, details, because, result];
  return encode(`lockstep audit record 1\n${JSON.stringify(fields)}`);
}

/** What is hashed, and then signed, for a checkpoint. No other thing that the same key signs begins like this. */
export function encodeAuditCheckpoint({ seq, hash }: Pick<AuditCheckpoint, 'seq' | 'hash'>): Uint8Array {
  return encode(`lockstep audit checkpoint 1\n${JSON.stringify([seq, hash])}`);
}

/** The event as the record that follows `previous`. */
export function chainRecord(
  event: AuditEvent & Pick<AuditRecord, 'at'>,
  previous: Pick<AuditRecord, 'seq' | 'hash'>,
  hash: HashBytes,
): AuditRecord {
  const record = { ...event, seq: previous.seq + 1, previousHash: previous.hash };
  return { ...record, hash: hash(encodeAuditRecord(record)) };
}
