// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import type { Seq } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import type { EntryBody, LoadEntry, LogEntry } from './log-entry';
import { refuseBody } from './propose-entry';
import { stackAt } from './stack';
import { checks, load, log, logOf, replace, retire, sign, staying } from './test-log';
import { undoEntries, withRetired, type UndoneStretch } from './undo-entries';

const stretch = (after: number, upTo: number, shipped = upTo): UndoneStretch => ({
  after: after as Seq,
  upTo: upTo as Seq,
  shipped: shipped as Seq,
});
const seqs = (entries: readonly LoadEntry[]): number[] => entries.map(({ seq }) => seq);

function undo(entries: readonly LogEntry[], which: UndoneStretch): Record<string, number[]> {
  const { undone, retires, unshipped, staysOut } = undoEntries(entries, which);
  return {
    ...{ undone: seqs(undone), retires: seqs(retires), unshipped: seqs(unshipped), staysOut: seqs(staysOut) },
  };
}

describe('undoing what a rollout has shipped', () => {
  test('what it loaded is retired, newest first, and nothing below it', () => {
    const entries = logOf(load('a', 'a'), load('b', 'b'), load('c', 'c'));
    expect(undo(entries, stretch(1, 3))).toEqual({ undone: [3, 2], retires: [3, 2], unshipped: [], staysOut: [] });
  });
  test('what a later rollout has shipped stays; what nobody was given goes too, for nothing new is shipped', () => {
    const entries = logOf(load('a', 'a'), load('b', 'b'), load('c', 'c'), load('d', 'd'));
    expect(undo(entries, stretch(1, 2, 3))).toMatchObject({ undone: [2], retires: [4, 2], unshipped: [4] });
  });
  test('what is retired already is not retired again, and still counts as undone', () => {
    const entries = logOf(load('a', 'a'), load('b', 'b'), retire(2));
    expect(undo(entries, stretch(1, 2))).toMatchObject({ undone: [2], retires: [] });
  });
  test('what it had taken out stays out, and is named', () => {
    const retired = logOf(load('a', 'a'), load('b', 'b'), retire(1));
    expect(undo(retired, stretch(2, 3))).toMatchObject({ undone: [], retires: [], staysOut: [1] });
    const replaced = logOf(load('a', 'a'), load('b', 'b'), replace('r', 'ab', [1, 2]));
    expect(undo(replaced, stretch(2, 3))).toMatchObject({ retires: [3], staysOut: [2, 1] });
  });
  test('an entry that a later one was built onto is not retired alone: the rule says which', () => {
    const entries = logOf(load('a', 'a'), load('b', 'ab', [1], [1]));
    const retires = seqs(undoEntries(entries, stretch(0, 1, 2)).retires) as Seq[];
    expect(() => withRetired(log, entries, retires, checks.hash)).toThrow(/b \(#2\) was built onto it/);
  });
  test('what cannot be unloaded is retired all the same', () => {
    const entries = logOf(load('a', 'a'), staying('s', 's'));
    expect(withRetired(log, entries, [2] as Seq[], checks.hash).at(-1)?.body).toEqual(retire(2));
  });
});

/** A log of loads that may conflict, be built onto others or be retired, by what the rules let in. */
const anyLog = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(3)), { minLength: 1, maxLength: 10 }).map((steps) => {
  const entries: LogEntry[] = [];
  for (const [index, [what, which, kind]] of steps.entries()) {
    const stack = stackAt(entries, entries.length as Seq);
    const held = stack[which % Math.max(1, stack.length)]?.seq ?? 0;
    const name = `p${index}`;
    const fn = 'abcdef'[what % 6]!;
    const bodies: EntryBody[] = [
      load(name, fn),
      load(
        name,
        fn,
        stack.filter(({ body }) => body.artifact.functions.some(({ name: its }) => its === fn)).map(({ seq }) => seq),
      ),
      load(name, fn, [], held === 0 ? [] : [held]),
      retire(held),
    ];
    const body = bodies[kind]!;
    if (refuseBody(log, entries, body) !== undefined) continue;
    const before = entries.at(-1);
    const seq = (entries.length + 1) as Seq;
    const previousHash = before?.hash ?? logOf(load('x', 'x'))[0]!.previousHash;
    entries.push(sign({ ...log, seq, previousHash, body }));
  }
  return entries;
});

test('undone, the stack is what it was but for what was taken out; newest first it breaks no rule that a later rollout does not', () => {
  fc.assert(
    fc.property(anyLog, fc.nat(), fc.nat(), (entries, from, to) => {
      const upTo = entries.length;
      const after = from % (upTo + 1);
      const { retires, staysOut } = undoEntries(entries, stretch(after, upTo));
      const all = withRetired(log, entries, seqs(retires) as Seq[], checks.hash);
      const now = seqs(stackAt(all, all.length as Seq));
      const before = seqs(stackAt(entries, after as Seq));
      expect([...now, ...seqs(staysOut)].sort()).toEqual([...before].sort());
      // Of the middle of a log nothing stays that it had loaded, and nothing is loaded that was not.
      const middle = after + (to % (upTo - after + 1));
      const some = undoEntries(entries, stretch(after, middle, upTo));
      const head = seqs(stackAt(entries, upTo as Seq));
      expect(seqs(some.retires).every((seq) => head.includes(seq) && seq > after && seq <= middle)).toBe(true);
    }),
  );
});
