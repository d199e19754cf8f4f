// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import { firstPreviousHash, type HashBytes, type VerifySignature } from '@lockstep/domain/load-order';
import { encodeAuditCheckpoint, encodeAuditRecord, type AuditCheckpoint, type AuditRecord } from './audit-record';

/** What is wrong with an audit log. */
export interface AuditFault {
  /**
   * - `edited`: the record is not what was hashed;
   * - `missing`: records are not there, or not in their place;
   * - `broken-chain`: the record does not follow the one before it;
   * - `unsigned`: nothing signed vouches for the last records;
   * - `forged-checkpoint`: a checkpoint that the key did not sign;
   * - `other-history`: the key signed another record in this place;
   * - `truncated`: the key signed records beyond the last one;
   * - `late-checkpoint`: the key signed a record that later ones vouch for, and the log has no checkpoint of it in its place.
   */
  readonly kind:
    | 'edited'
    | 'missing'
    | 'broken-chain'
    | 'unsigned'
    | 'forged-checkpoint'
    | 'other-history'
    | 'truncated'
    | 'late-checkpoint';
  readonly seq: number;
  readonly message: string;
}

export interface AuditVerdict {
  readonly records: number;
  readonly checkpoints: number;
  readonly lastSeq: number;
  readonly lastHash: Sha256;
  readonly faults: readonly AuditFault[];
}

export interface AuditChecks {
  readonly hash: HashBytes;
  /** Of the log key. */
  readonly verify: VerifySignature;
}

/** Of a log that was rewritten the first faults tell as much as all of them. */
const mostFaults = 100;

/** Takes an audit log record by record, checkpoints after the records that they are about, and says what is wrong with it. */
export class AuditCheck {
  private lastSeq = 0;
  private lastHash = firstPreviousHash;
  private signedSeq = 0;
  /** Records before it are not in this log: it begins after them. */
  private readonly firstSeq: number = 1;
  private records = 0;
  private checkpoints = 0;
  /** Of records that nothing vouches for yet. */
  private readonly hashes = new Map<number, Sha256>();
  /** Of those with a checkpoint. */
  private readonly signedHashes = new Map<number, Sha256>();
  private readonly faults: AuditFault[] = [];

  /** @param after where the log begins, by a checkpoint that the checker has kept; otherwise with its first record. */
  constructor(
    private readonly checks: AuditChecks,
    after?: Pick<AuditCheckpoint, 'seq' | 'hash'>,
  ) {
    if (after === undefined) return;
    this.lastSeq = after.seq;
    this.lastHash = after.hash;
    this.signedSeq = after.seq;
    this.firstSeq = after.seq;
    this.signedHashes.set(after.seq, after.hash);
  }

  take(record: AuditRecord): void {
    const { seq, hash, previousHash } = record;
    if (this.checks.hash(encodeAuditRecord(record)) !== hash) {
      this.fault('edited', seq, 'it is not what was hashed when it was written');
    }
    if (seq !== this.lastSeq + 1) {
      const found =
        seq > this.lastSeq + 1 ? `#${this.lastSeq + 1} to #${seq - 1} are not there` : 'it is out of its place';
      this.fault('missing', seq, `after #${this.lastSeq} comes #${seq}: ${found}`);
    } else if (previousHash !== this.lastHash) {
      this.fault('broken-chain', seq, 'it follows another record than the one before it');
    }
    this.records += 1;
    this.lastSeq = seq;
    this.lastHash = hash;
    this.hashes.set(seq, hash);
  }

  takeCheckpoint({ seq, hash, signature }: AuditCheckpoint): void {
    this.checkpoints += 1;
    if (!this.checks.verify(this.checks.hash(encodeAuditCheckpoint({ seq, hash })), signature)) {
      this.fault('forged-checkpoint', seq, 'the key did not sign this checkpoint');
      return;
    }
    const known = this.hashes.get(seq) ?? this.signedHashes.get(seq);
    if (known !== undefined && known !== hash) this.fault('other-history', seq, 'the key signed another record here');
    if (known === hash) {
      this.signedSeq = Math.max(this.signedSeq, seq);
      this.signedHashes.set(seq, hash);
      // Those before it are not looked at again: a long log takes little memory.
      for (const each of this.hashes.keys()) if (each <= seq) this.hashes.delete(each);
    }
    if (known === undefined && seq < this.signedSeq && seq >= this.firstSeq) {
      this.fault('late-checkpoint', seq, 'the key signed it, and the log has no such checkpoint in its place');
    }
    if (seq > this.lastSeq) {
      this.fault('truncated', seq, `the key signed records up to #${seq}, and the log ends at #${this.lastSeq}`);
    }
  }

  /** After the last record and checkpoint. */
  end(): AuditVerdict {
    const { records, checkpoints, lastSeq, lastHash } = this;
    if (this.signedSeq < lastSeq) {
      const from = this.signedSeq + 1;
      this.fault('unsigned', from, `nothing signed vouches for #${from} to #${lastSeq}`);
    }
    return { records, checkpoints, lastSeq, lastHash, faults: [...this.faults] };
  }

  private fault(kind: AuditFault['kind'], seq: number, message: string): void {
    if (this.faults.length < mostFaults) this.faults.push({ kind, seq, message: `Record #${seq}: ${message}.` });
  }
}
