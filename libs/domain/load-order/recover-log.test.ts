// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import type { LogEntry } from './log-entry';
import { recoverLog, type Recovery, type Witness } from './recover-log';
import { checks, load, log, logOf, retire, sign } from './test-log';

const a = load('a', 'abc');
const b = load('b', 'ad', [1]);
const c = load('c', 'x');
const whole = logOf(a, b, c, retire(2));
const other = logOf(a, load('e', 'y'), c);

const knows = (name: string, entries: readonly LogEntry[]): Witness => ({ node: parseNodeName(name), entries });

const recover = (known: readonly LogEntry[], ...witnesses: Witness[]): Recovery =>
  recoverLog(log, known, witnesses, checks);

describe('what nodes hold beyond a log', () => {
  test('is taken from whoever holds most of it, where the others agree', () => {
    const known = whole.slice(0, 1);
    const recovery = recover(known, knows('n1', whole.slice(1, 2)), knows('n2', whole.slice(1)), knows('n3', whole));
    expect(recovery).toEqual({ kind: 'recovered', entries: whole.slice(1) });
  });

  test('is nothing where nobody holds more', () => {
    expect(recover(whole)).toEqual({ kind: 'recovered', entries: [] });
    expect(recover(whole, knows('n1', whole.slice(2)))).toEqual({ kind: 'recovered', entries: [] });
  });

  test('is not taken where two histories were signed: both are shown, with who tells which', () => {
    const known = whole.slice(0, 1);
    const recovery = recover(known, knows('n1', whole.slice(1)), knows('n2', other.slice(1)), knows('n3', whole));
    expect(recovery).toEqual({
      kind: 'disagreement',
      seq: 2,
      sides: [
        { hash: whole[1]!.hash, nodes: ['n1', 'n3'] },
        { hash: other[1]!.hash, nodes: ['n2'] },
      ],
    });
  });

  test.each([
    ['does not follow the log', other.slice(2), 'fork'],
    ['another key signed', [sign(whole[1]!, 'theirs')], 'bad-signature'],
    ['was changed after it was signed', [{ ...whole[1]!, body: c }], 'bad-hash'],
    ['breaks a rule', [sign({ ...whole[1]!, body: load('b', 'ad') })], 'broken-rule'],
    ['leaves something out', whole.slice(2), 'gap'],
  ])('is not taken where it %s, whatever the others tell', (_, entries, reason) => {
    const recovery = recover(whole.slice(0, 1), knows('n1', whole.slice(1)), knows('n2', entries));
    // What comes two further does not even reach the check of what it follows.
    const expected = reason === 'fork' ? 'gap' : reason;
    expect(recovery).toMatchObject({ kind: 'refused', node: 'n2', refusal: { reason: expected } });
  });
});

test('whatever is recovered continues the log to one that any agent would take', () => {
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.array(fc.tuple(fc.boolean(), fc.nat(4), fc.nat(4)), { maxLength: 4 }),
      (knownLength, told) => {
        const known = whole.slice(0, knownLength);
        const witnesses = told.map(([isOther, from, to], index) =>
          knows(`n${index}`, (isOther ? other : whole).slice(Math.min(from, to), Math.max(from, to))),
        );
        const recovery = recover(known, ...witnesses);
        if (recovery.kind !== 'recovered') return;
        const result = [...known, ...recovery.entries];
        const isPrefix = (of: readonly LogEntry[]): boolean => result.every(({ hash }, i) => of[i]?.hash === hash);
        expect(isPrefix(whole) || isPrefix(other)).toBe(true);
        for (const { entries } of witnesses) {
          for (const entry of entries) expect(result[entry.seq - 1]?.hash).toBe(entry.hash);
        }
      },
    ),
  );
});
