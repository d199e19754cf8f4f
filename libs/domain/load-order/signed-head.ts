// SPDX-License-Identifier: GPL-2.0-only
import type { Seq, Sha256 } from '@lockstep/domain/livepatch-model';
import { newestKey } from './key-rotation';
import type { LogChecks } from './extend-log';
import type { EntrySignature, LogEntry, LogName } from './log-entry';
import type { LogKey } from './log-key';
import { headHash } from './propose-entry';

/** Where a log ends, and until when that is to be believed. */
export interface HeadStatement extends LogName {
  /** Of the last entry; 0 of a log without one. */
  readonly seq: Seq;
  /** Of the last entry; `firstPreviousHash` of a log without one. */
  readonly hash: Sha256;
  /** That signs it; undefined: the first. */
  readonly key: LogKey | undefined;
  /** Since 1970, by the control plane's clock. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export interface SignedHead extends HeadStatement {
  /** Over `encodeHead`. */
  readonly signature: EntrySignature;
}

/** So long a head is good for: whoever withholds later ones is noticed within a day. */
export const headLifeMs = 24 * 3_600_000;
/** Nobody may promise more: a head for years would keep the alarm still for years. */
const longestLifeMs = 2 * headLifeMs;
/** Clocks differ; but a head that is dated years ahead would keep the alarm still for years. */
const mostAheadMs = headLifeMs;

/** By the node's clock it was made in the future. */
export const isDatedAhead = ({ issuedAtMs }: Pick<HeadStatement, 'issuedAtMs'>, nowMs: number): boolean =>
  issuedAtMs > nowMs + mostAheadMs;

/**
 * Until when nothing of the log is withheld, as far as a node can know: what it was told last, or a day after it began to follow
 * a log of which it was never told. Undefined: it does not know when that was.
 */
export const heardUntilMs = (
  head: Pick<HeadStatement, 'expiresAtMs'> | undefined,
  followsSinceMs: number | undefined,
): number | undefined => head?.expiresAtMs ?? (followsSinceMs === undefined ? undefined : followsSinceMs + headLifeMs);

/** The bytes that are hashed and signed. */
export function encodeHead({
  cluster,
  kernelBuild,
  seq,
  hash,
  key,
  issuedAtMs,
  expiresAtMs,
}: HeadStatement): Uint8Array {
  const text = JSON.stringify([cluster, kernelBuild, seq, hash, key ?? '', issuedAtMs, expiresAtMs]);
  return new TextEncoder().encode(`lockstep log head 1\n${text}`);
}

/** Why a head is not taken for the one of the log that is known. */
export type HeadRefusal =
  'wrong-log' | 'other-head' | 'lowered-key' | 'lasts-too-long' | 'dated-ahead' | 'bad-signature';

/** What of a log is known where a head is offered. */
export interface HeadContext {
  readonly log: LogName;
  readonly entries: readonly LogEntry[];
  readonly newestKey?: LogKey | undefined;
}

/**
 * It must be of this very log, as long as it is known, and signed by the newest key that is known.
 * @param nowMs by the node's own clock, since 1970
 */
export function refuseHead(
  known: HeadContext,
  head: SignedHead,
  checks: LogChecks,
  nowMs: number,
): HeadRefusal | undefined {
  const { log, entries } = known;
  if (head.cluster !== log.cluster || head.kernelBuild !== log.kernelBuild) return 'wrong-log';
  if (head.seq !== entries.length || head.hash !== headHash(entries)) return 'other-head';
  if (head.key !== newestKey(known.newestKey, entries)) return 'lowered-key';
  if (head.expiresAtMs - head.issuedAtMs > longestLifeMs) return 'lasts-too-long';
  if (isDatedAhead(head, nowMs)) return 'dated-ahead';
  const hash = checks.hash(encodeHead(head));
  const { key, signature } = head;
  const isSigned = key === undefined ? checks.verify(hash, signature) : checks.verifyBy(key, hash, signature);
  return isSigned ? undefined : 'bad-signature';
}

export const hasExpired = ({ expiresAtMs }: Pick<HeadStatement, 'expiresAtMs'>, nowMs: number): boolean =>
  nowMs >= expiresAtMs;

/** Says why a head is not taken. */
export function explainHeadRefusal(refusal: HeadRefusal): string {
  switch (refusal) {
    case 'wrong-log':
      return 'The head that was sent is of another cluster or kernel build.';
    case 'other-head':
      return 'The head that was sent is not that of the log as this node knows it.';
    case 'lowered-key':
      return 'The head that was sent is signed with another key than the newest that this node knows.';
    case 'lasts-too-long':
      return 'The head that was sent would be good for longer than any may be.';
    case 'dated-ahead':
      return "The head that was sent is dated more than a day ahead of this node's clock: one of the two clocks is off.";
    case 'bad-signature':
      return 'The head that was sent is not signed by the key that it names.';
  }
}
