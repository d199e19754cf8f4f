// SPDX-License-Identifier: GPL-2.0-only
import { parseSeq, type Seq } from '@lockstep/domain/livepatch-model';
import { encodeEntry, type HashBytes, type LogEntry, type LogName, type VerifySignature } from './log-entry';
import { headHash, refuseBody, type EntryRefusal } from './propose-entry';

/** Why a received log is not an extension of the known one. Nothing of it is taken. */
export type ExtensionRefusal =
  | { readonly reason: 'wrong-log'; readonly seq: Seq }
  | { readonly reason: 'fork'; readonly seq: Seq }
  | { readonly reason: 'gap'; readonly expected: Seq; readonly received: Seq }
  | { readonly reason: 'bad-hash'; readonly seq: Seq }
  | { readonly reason: 'bad-signature'; readonly seq: Seq }
  | { readonly reason: 'broken-rule'; readonly seq: Seq; readonly refusal: EntryRefusal };

export type Extension =
  | { readonly kind: 'extended'; readonly entries: readonly LogEntry[]; readonly added: number }
  | { readonly kind: 'refused'; readonly refusal: ExtensionRefusal };

export interface LogChecks {
  readonly hash: HashBytes;
  readonly verify: VerifySignature;
}

function refuseNext(
  log: LogName,
  entries: readonly LogEntry[],
  next: LogEntry,
  { hash, verify }: LogChecks,
): ExtensionRefusal | undefined {
  const { seq } = next;
  if (next.previousHash !== headHash(entries)) return { reason: 'fork', seq };
  if (hash(encodeEntry(next)) !== next.hash) return { reason: 'bad-hash', seq };
  if (!verify(next.hash, next.signature)) return { reason: 'bad-signature', seq };
  const refusal = refuseBody(log, entries, next.body);
  return refusal === undefined ? undefined : { reason: 'broken-rule', seq, refusal };
}

/**
 * Takes `received` onto `known` only if it is the same history, longer or equal: entries known already must be
 * identical, new ones must follow without a gap, hash right, be signed, and keep the rules of appending. All or nothing.
 */
export function extendLog(
  log: LogName,
  known: readonly LogEntry[],
  received: readonly LogEntry[],
  checks: LogChecks,
): Extension {
  const entries = [...known];
  for (const next of received) {
    const refuse = (refusal: ExtensionRefusal): Extension => ({ kind: 'refused', refusal });
    if (next.cluster !== log.cluster || next.kernelBuild !== log.kernelBuild) {
      return refuse({ reason: 'wrong-log', seq: next.seq });
    }
    const same = entries[next.seq - 1];
    if (same !== undefined) {
      if (same.hash !== next.hash) return refuse({ reason: 'fork', seq: next.seq });
      continue;
    }
    if (next.seq !== entries.length + 1) {
      return refuse({ reason: 'gap', expected: parseSeq(entries.length + 1), received: next.seq });
    }
    const refusal = refuseNext(log, entries, next, checks);
    if (refusal !== undefined) return refuse(refusal);
    entries.push(next);
  }
  return { kind: 'extended', entries, added: entries.length - known.length };
}
