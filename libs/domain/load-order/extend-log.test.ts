// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClusterName, Seq } from '@lockstep/domain/livepatch-model';
import { extendLog } from './extend-log';
import type { EntryBody, LogEntry } from './log-entry';
import { refuseBody } from './propose-entry';
import { checks, load, log, logOf, retire, sign } from './test-log';

/** What an agent that knows `known` answers to `received`: the number of entries taken, or why not. */
function check(known: LogEntry[], received: LogEntry[], expected: number | string): void {
  const result = extendLog(log, known, received, checks);
  expect(result.kind === 'extended' ? result.added : result.refusal.reason).toBe(expected);
}

const a = load('a', 'abc');
const b = load('b', 'ad', [1]);
const c = load('c', 'x');
const ours = logOf(a, b, c);

describe('one history', () => {
  test('takes an extension, from the start or from the head', () => {
    check([], ours, 3);
    check(ours.slice(0, 1), ours, 2);
    check(ours.slice(0, 1), ours.slice(1), 2);
  });
  test('a repeated log changes nothing', () => {
    check(ours, ours, 0);
    check(ours, ours.slice(0, 2), 0);
  });
  test('another history with the same start is a fork', () => {
    check(ours, logOf(a, b, load('e', 'y')), 'fork');
    check(ours.slice(0, 2), logOf(a, c, load('e', 'y')).slice(2), 'fork');
  });
  test('a control plane restored from an old backup that went on is a fork', () => {
    check(ours, logOf(a, load('e', 'y')), 'fork');
  });
  test('a gap is refused', () => {
    check(ours.slice(0, 1), ours.slice(2), 'gap');
  });
  test('the log of another cluster is refused', () => {
    const stolen = sign({ ...ours[0]!, cluster: 'db' as ClusterName });
    check([], [stolen], 'wrong-log');
  });
});

describe('forged entries', () => {
  test('signed by another key', () => {
    check([], [sign(ours[0]!, 'theirs')], 'bad-signature');
  });
  test('changed after signing', () => {
    check([], [{ ...ours[0]!, body: c }], 'bad-hash');
    check(ours.slice(0, 2), [{ ...ours[2]!, previousHash: ours[0]!.hash }], 'fork');
  });
  test('a rightly signed entry that breaks a rule is refused all the same', () => {
    const silent = sign({ ...ours[1]!, body: load('b', 'ad') });
    check(ours.slice(0, 1), [silent], 'broken-rule');
    check(ours.slice(0, 1), [sign({ ...ours[1]!, body: retire(2) })], 'broken-rule');
  });
  test('nothing of a log with a bad tail is taken', () => {
    const result = extendLog(log, [], [ours[0]!, ours[1]!, sign(ours[2]!, 'theirs')], checks);
    expect(result).toEqual({ kind: 'refused', refusal: { reason: 'bad-signature', seq: 3 } });
  });
});

describe('properties', () => {
  const body = fc.oneof(
    fc
      .record({
        name: fc.constantFrom('p', 'q', 'r', 's'),
        functions: fc.constantFrom('a', 'ab', 'bc', 'd'),
        overrides: fc.subarray([1, 2, 3, 4]),
      })
      .map(({ name, functions, overrides }) => load(name, functions, overrides)),
    fc.integer({ min: 1, max: 6 }).map(retire),
  );
  const entries = fc.array(body, { maxLength: 12 }).map((bodies) => {
    const accepted: EntryBody[] = [];
    for (const next of bodies) if (refuseBody(log, logOf(...accepted), next) === undefined) accepted.push(next);
    return logOf(...accepted);
  });

  test('an agent that takes the log in any pieces, repeated or late, ends with the same log', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.nat(12), { maxLength: 10 }), (whole, cuts) => {
        let known: readonly LogEntry[] = [];
        for (const cut of [...cuts, whole.length]) {
          const result = extendLog(log, known, whole.slice(0, cut), checks);
          expect(result.kind).toBe('extended');
          if (result.kind === 'extended') known = result.entries;
        }
        expect(known).toEqual(whole);
      }),
    );
  });

  test('no single changed entry is taken', () => {
    const change = fc.constantFrom<(e: LogEntry) => LogEntry>(
      (e) => ({ ...e, seq: (e.seq + 1) as Seq }),
      (e) => ({ ...e, body: retire(1) }),
      (e) => ({ ...e, hash: ours[0]!.hash }),
      (e) => ({ ...e, signature: 'x' as LogEntry['signature'] }),
      (e) => ({ ...e, previousHash: 'ff'.repeat(32) as LogEntry['hash'] }),
    );
    fc.assert(
      fc.property(entries, fc.nat(), change, (whole, index, mutate) => {
        fc.pre(whole.length > 0);
        const at = index % whole.length;
        const forged = whole.map((entry, i) => (i === at ? mutate(entry) : entry));
        fc.pre(JSON.stringify(forged) !== JSON.stringify(whole));
        expect(extendLog(log, [], forged, checks).kind).toBe('refused');
      }),
    );
  });
});
