// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { agreementOf } from './agreement';

const ours = (changed: string[], added: string[] = []) => ({ kind: 'changed', changed, added }) as const;
const theirs = (changed: string[], added: string[] = []) => ({ kind: 'changed', changed, added, seconds: 1 }) as const;
const refusal = { kind: 'refused', reason: 'data-changed', message: 'count changes' } as const;

test('the same functions, whatever their order, cold parts and clone numbers', () => {
  const mine = ours(['b.isra.3', 'a'], ['a.cold']);
  expect(agreementOf(mine, theirs(['a', 'a.cold', 'b.isra.5'])).agrees).toBe(true);
});

test('a part counts where its function is not listed, and goes with it where it is', () => {
  expect(agreementOf(ours(['a'], ['a.part.0']), theirs(['a'])).agrees).toBe(true);
  expect(agreementOf(ours(['a', 'b.part.0']), theirs(['a'])).agrees).toBe(false);
});

test('names what only one of them found', () => {
  const { agrees, ours: mine, theirs: other } = agreementOf(ours(['a', 'b']), theirs(['a'], ['c']));
  expect({ agrees, mine, other }).toEqual({ agrees: false, mine: 'b changed', other: 'c is new' });
});

test('new is not changed', () => {
  expect(agreementOf(ours([], ['a']), theirs(['a'])).agrees).toBe(false);
});

test('a refusal agrees with a refusal alone', () => {
  expect(agreementOf(refusal, { kind: 'refused', message: 'data section changed', seconds: 1 }).agrees).toBe(true);
  expect(agreementOf(refusal, { kind: 'unchanged', seconds: 1 })).toEqual({
    agrees: false,
    ours: 'refused: count changes',
    theirs: 'no change',
  });
  expect(agreementOf(refusal, theirs(['a'])).agrees).toBe(false);
});

test('no change agrees with no change alone, and nobody agrees with one that did not end', () => {
  expect(agreementOf(ours([]), { kind: 'unchanged', seconds: 1 }).agrees).toBe(true);
  expect(agreementOf(ours([]), theirs(['a'])).agrees).toBe(false);
  expect(agreementOf(ours([]), { kind: 'too-slow', limitSeconds: 5 }).agrees).toBe(false);
});
