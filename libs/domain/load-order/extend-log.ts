// SPDX-License-Identifier: GPL-2.0-only
import { parseSeq, type Seq } from '@lockstep/domain/livepatch-model';
import { encodeKeyProof, keysOf } from './key-rotation';
import {
  encodeEntry,
  type HashBytes,
  type LogEntry,
  type LogName,
  type VerifyBy,
  type VerifySignature,
} from './log-entry';
import type { LogKey } from './log-key';
import { headHash, refuseBody, type EntryRefusal } from './propose-entry';

/** Why a received log is not an extension of the known one. Nothing of it is taken. */
export type ExtensionRefusal =
  | { readonly reason: 'wrong-log'; readonly seq: Seq }
  | { readonly reason: 'fork'; readonly seq: Seq }
  | { readonly reason: 'gap'; readonly expected: Seq; readonly received: Seq }
  | { readonly reason: 'bad-hash'; readonly seq: Seq }
  | { readonly reason: 'bad-signature'; readonly seq: Seq }
  /** Who brings a new key in has not shown to have it. */
  | { readonly reason: 'bad-key-proof'; readonly seq: Seq }
  /** It goes back to a key that another has taken the place of. */
  | { readonly reason: 'lowered-key'; readonly seq: Seq }
  | { readonly reason: 'broken-rule'; readonly seq: Seq; readonly refusal: EntryRefusal };

export type Extension =
  | { readonly kind: 'extended'; readonly entries: readonly LogEntry[]; readonly added: number }
  | { readonly kind: 'refused'; readonly refusal: ExtensionRefusal };

export interface LogChecks {
  readonly hash: HashBytes;
  /** By the key that load orders begin with. */
  readonly verify: VerifySignature;
  readonly verifyBy: VerifyBy;
}

function refuseKey(
  keys: readonly LogKey[],
  next: LogEntry,
  { hash, verify, verifyBy }: LogChecks,
): ExtensionRefusal | undefined {
  const { seq, body } = next;
  if (body.kind !== 'rotate') return undefined;
  const proven = hash(encodeKeyProof(next, body.key));
  if (!verifyBy(body.key, proven, body.proof)) return { reason: 'bad-key-proof', seq };
  // The first key is not in the log: it is known by what it signs.
  return keys.includes(body.key) || verify(proven, body.proof) ? { reason: 'lowered-key', seq } : undefined;
}

function refuseNext(
  log: LogName,
  entries: readonly LogEntry[],
  keys: readonly LogKey[],
  next: LogEntry,
  checks: LogChecks,
): ExtensionRefusal | undefined {
  const { hash, verify, verifyBy } = checks;
  const { seq } = next;
  const key = keys.at(-1);
  if (next.previousHash !== headHash(entries)) return { reason: 'fork', seq };
  if (hash(encodeEntry(next)) !== next.hash) return { reason: 'bad-hash', seq };
  const isSigned = key === undefined ? verify(next.hash, next.signature) : verifyBy(key, next.hash, next.signature);
  if (!isSigned) return { reason: 'bad-signature', seq };
  const keyRefusal = refuseKey(keys, next, checks);
  if (keyRefusal !== undefined) return keyRefusal;
  const refusal = refuseBody(log, entries, next.body);
  return refusal === undefined ? undefined : { reason: 'broken-rule', seq, refusal };
}

/**
 * Takes `received` onto `known` only if it is the same history, longer or equal: entries known already must be
 * identical, new ones must follow without a gap, hash right, be signed by the key of their place, and keep the rules of
 * appending. All or nothing.
 */
export function extendLog(
  log: LogName,
  known: readonly LogEntry[],
  received: readonly LogEntry[],
  checks: LogChecks,
): Extension {
  const entries = [...known];
  const keys = keysOf(known);
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
    const refusal = refuseNext(log, entries, keys, next, checks);
    if (refusal !== undefined) return refuse(refusal);
    entries.push(next);
    if (next.body.kind === 'rotate') keys.push(next.body.key);
  }
  return { kind: 'extended', entries, added: entries.length - known.length };
}
