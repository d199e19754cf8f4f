// SPDX-License-Identifier: GPL-2.0-only
import type { AuditCheckpoint as WireCheckpoint, AuditRecord as WireRecord } from '@lockstep/contracts/generated';
import type { AuditCheckpoint, AuditRecord } from '@lockstep/domain/audit';
import { parseSha256 } from '@lockstep/domain/livepatch-model';
import type { EntrySignature } from '@lockstep/domain/load-order';

export const auditRecordToWire = ({ at, ...record }: AuditRecord): WireRecord => ({ ...record, at: new Date(at) });

/** @throws LockstepError `invalid-input` for hashes that are none. */
export const auditRecordFromWire = ({ at, ...record }: WireRecord): AuditRecord => ({
  ...record,
  at: at?.toISOString() ?? '',
  previousHash: parseSha256(record.previousHash),
  hash: parseSha256(record.hash),
});

/** @throws LockstepError `invalid-input` for a hash that is none. */
export const checkpointFromWire = ({ seq, hash, signature }: WireCheckpoint): AuditCheckpoint => ({
  seq,
  hash: parseSha256(hash),
  signature: signature as EntrySignature,
});
