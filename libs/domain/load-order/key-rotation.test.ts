// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClusterName } from '@lockstep/domain/livepatch-model';
import { extendLog, type Extension } from './extend-log';
import { currentKey, keysOf, newestKey } from './key-rotation';
import { type LogEntry } from './log-entry';
import { parseLogKey, type LogKey } from './log-key';
import { proposeEntry } from './propose-entry';
import { recoverLog } from './recover-log';
import { stackAt } from './stack';
import { checks, load, log, logOf, rotateTo, sign, testKey } from './test-log';

const extend = (known: readonly LogEntry[], received: readonly LogEntry[]): Extension =>
  extendLog(log, known, received, checks);
const refusal = (extension: Extension): string =>
  extension.kind === 'refused' ? extension.refusal.reason : `took ${extension.added}`;

/** Entries after `entries`, each signed by the key of its place; a number brings that key in. */
function grow(entries: readonly LogEntry[], ...steps: readonly (string | number)[]): LogEntry[] {
  const all = [...entries];
  for (const step of steps) {
    const key = currentKey(all) ?? 'ours';
    if (typeof step === 'number') all.push(rotateTo(all, testKey(step)));
    else all.push(sign(proposeEntry(log, all, load(step, '')), key));
  }
  return all;
}

describe('a new key', () => {
  test('signs what follows it, and nothing before', () => {
    const whole = grow([], 'a', 1, 'b', 2, 'c');
    expect(refusal(extend([], whole))).toBe('took 5');
    expect(keysOf(whole)).toEqual([testKey(1), testKey(2)]);
    const [a, , b] = whole;
    const byOld = sign(b!, 'ours');
    expect(refusal(extend(whole.slice(0, 2), [byOld]))).toBe('bad-signature');
    expect(refusal(extend([], [sign(a!, testKey(1))]))).toBe('bad-signature');
  });

  test('must be signed by the old one', () => {
    const before = grow([], 'a', 1);
    const next = rotateTo(before, testKey(2));
    expect(refusal(extend(before, [sign(next, 'ours')]))).toBe('bad-signature');
    expect(refusal(extend(before, [sign(next, testKey(2))]))).toBe('bad-signature');
  });

  test('must be shown by who brings it in, at this very place of this very log', () => {
    const before = grow([], 'a');
    const right = rotateTo(before, testKey(1));
    expect(refusal(extend(before, [right]))).toBe('took 1');
    const elsewhere = rotateTo(grow([], 'x'), testKey(1));
    const copied = sign({ ...right, body: elsewhere.body });
    expect(refusal(extend(before, [copied]))).toBe('bad-key-proof');
    const ofOther = rotateTo(before, testKey(1), { ...log, cluster: 'db' as ClusterName });
    expect(refusal(extend(before, [sign({ ...right, body: ofOther.body })]))).toBe('bad-key-proof');
  });

  test('is never one of before, the first included', () => {
    const before = grow([], 1, 2);
    expect(refusal(extend(before, [rotateTo(before, testKey(1))]))).toBe('lowered-key');
    expect(refusal(extend(before, [rotateTo(before, testKey(2))]))).toBe('lowered-key');
    expect(refusal(extend(before, [rotateTo(before, 'ours' as LogKey)]))).toBe('lowered-key');
    expect(refusal(extend(before, [rotateTo(before, testKey(3))]))).toBe('took 1');
  });

  test('loads nothing: the stack is as before', () => {
    const whole = grow([], 'a', 1, 'b');
    expect(stackAt(whole, whole.length as LogEntry['seq']).map(({ seq }) => seq)).toEqual([1, 3]);
  });
});

test('whoever was away for ten rotations catches up, in whatever pieces', () => {
  const steps = Array.from({ length: 10 }, (_, at) => [at + 1, `p${at}`]).flat();
  const whole = grow([], 'first', ...steps);
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
      let known: readonly LogEntry[] = [];
      for (const cut of [...cuts, whole.length]) {
        const taken = extend(known, whole.slice(0, cut));
        expect(taken.kind).toBe('extended');
        if (taken.kind === 'extended') known = taken.entries;
      }
      expect(known).toEqual(whole);
    }),
  );
});

test('what nodes hold beyond a lost rotation is recovered by the walk', () => {
  const whole = grow([], 'a', 1, 'b', 2, 'c');
  const witness = { node: 'n1' as never, entries: whole.slice(1) };
  expect(recoverLog(log, whole.slice(0, 1), [witness], checks)).toEqual({ kind: 'recovered', entries: whole.slice(1) });
});

test('the newest key that is known is never lowered by another log', () => {
  const whole = grow([], 'a', 1, 2);
  expect(newestKey(undefined, whole)).toBe(testKey(2));
  expect(newestKey(testKey(1), whole)).toBe(testKey(2));
  expect(newestKey(testKey(3), whole)).toBe(testKey(3));
  expect(newestKey(testKey(1), logOf(load('a', 'a')))).toBe(testKey(1));
  expect(newestKey(undefined, [])).toBeUndefined();
});

test('a key has the form that agents pin', () => {
  const pem = `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(59)}=\n-----END PUBLIC KEY-----\n`;
  expect(parseLogKey(pem)).toBe(pem);
  for (const other of ['', pem.trim(), pem.replace('PUBLIC', 'PRIVATE'), `${pem}${pem}`]) {
    expect(() => parseLogKey(other)).toThrow(expect.objectContaining({ reason: 'invalid-log-key' }));
  }
});
