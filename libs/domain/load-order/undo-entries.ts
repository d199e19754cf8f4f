// SPDX-License-Identifier: GPL-2.0-only
import { parseSeq, type Seq } from '@lockstep/domain/livepatch-model';
import {
  encodeEntry,
  type EntryBody,
  type EntrySignature,
  type HashBytes,
  type LoadEntry,
  type LogEntry,
  type LogName,
} from './log-entry';
import { proposeEntry } from './propose-entry';
import { stackAt } from './stack';

/** A stretch of a log: what a rollout has shipped. */
export interface UndoneStretch {
  /** The last entry before it. */
  readonly after: Seq;
  /** The last one of it. */
  readonly upTo: Seq;
  /** The last one that any rollout has shipped. */
  readonly shipped: Seq;
}

/** How a stretch of a log is undone: forward, by entries that retire what it had loaded. */
export interface Undoing {
  /** What the stretch had loaded, newest first, whether it is retired already or not. */
  readonly undone: readonly LoadEntry[];
  /** To be retired, newest first: what of that is still in the stack, and what nobody has been given yet. */
  readonly retires: readonly LoadEntry[];
  /** Of those, what no rollout has shipped: undoing something ships nothing new. */
  readonly unshipped: readonly LoadEntry[];
  /** What the stretch had taken out of the stack; nothing loads it again. */
  readonly staysOut: readonly LoadEntry[];
}

export function undoEntries(entries: readonly LogEntry[], { after, upTo, shipped }: UndoneStretch): Undoing {
  const before = stackAt(entries, after);
  const at = stackAt(entries, upTo);
  const now = stackAt(entries, parseSeq(entries.length));
  const newestFirst = (stack: readonly LoadEntry[]): LoadEntry[] => [...stack].sort((a, b) => b.seq - a.seq);
  const undone = at.filter(({ seq }) => seq > after);
  const unshipped = now.filter(({ seq }) => seq > shipped);
  return {
    undone: newestFirst(undone),
    retires: newestFirst(now.filter((entry) => undone.includes(entry) || unshipped.includes(entry))),
    unshipped: newestFirst(unshipped),
    staysOut: newestFirst(before.filter((entry) => !at.includes(entry) && !now.includes(entry))),
  };
}

/**
 * The log as it would be with these entries retired, in this order; what follows the head is signed by nobody.
 * @throws LockstepError `refused` with the reason of the rule that one of them breaks.
 */
export function withRetired(
  log: LogName,
  entries: readonly LogEntry[],
  retires: readonly Seq[],
  hash: HashBytes,
): LogEntry[] {
  return withAppended(
    log,
    entries,
    retires.map((seq) => ({ kind: 'retire', retires: seq })),
    hash,
  );
}

/** The same with any entries. */
export function withAppended(
  log: LogName,
  entries: readonly LogEntry[],
  bodies: readonly EntryBody[],
  hash: HashBytes,
): LogEntry[] {
  const all = [...entries];
  for (const body of bodies) {
    const next = proposeEntry(log, all, body);
    all.push({ ...next, hash: hash(encodeEntry(next)), signature: '' as EntrySignature });
  }
  return all;
}
