// SPDX-License-Identifier: GPL-2.0-only
import type { FunctionOwner } from '@lockstep/domain/conflicts';
import type { Seq } from '@lockstep/domain/livepatch-model';
import type { LoadEntry, LogEntry, UnsignedEntry } from './log-entry';

/** Load entries in effect, bottom first. */
export type Stack<Entry extends UnsignedEntry = LogEntry> = readonly LoadEntry<Entry>[];

export function isLoad<Entry extends UnsignedEntry>(entry: Entry): entry is LoadEntry<Entry> {
  return entry.body.kind === 'load';
}

/** The stack at `seq`: what a node at that position holds, bottom first. A `replace` load takes every earlier one out. */
export function stackAt<Entry extends UnsignedEntry>(entries: readonly Entry[], seq: Seq): Stack<Entry> {
  let stack: LoadEntry<Entry>[] = [];
  for (const entry of entries) {
    if (entry.seq > seq) break;
    const { body } = entry;
    if (isLoad(entry)) stack = entry.body.artifact.replace ? [entry] : [...stack, entry];
    else if (body.kind === 'retire') stack = stack.filter((loaded) => loaded.seq !== body.retires);
  }
  return stack;
}

/** The stack as owners of functions, for `domain/conflicts`. */
export function stackOwners(stack: Stack<UnsignedEntry>): FunctionOwner<Seq>[] {
  return stack.map((entry) => ({ id: entry.seq, functions: entry.body.artifact.functions }));
}
