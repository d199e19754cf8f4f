// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClusterName, KernelBuildId, Seq, Sha256 } from '@lockstep/domain/livepatch-model';
import { encodeHead, hasExpired, headLifeMs, heardUntilMs, refuseHead, type SignedHead } from './signed-head';
import { headHash } from './propose-entry';
import { checks, load, log, logOf, rotateTo, signHead, testKey } from './test-log';

const entries = logOf(load('a', 'a'), load('b', 'b'));
const rotated = [...entries, rotateTo(entries, testKey(1))];
const issuedAtMs = Date.UTC(2026, 10, 28);

const headOf = (known: typeof entries, over: Partial<SignedHead> = {}): SignedHead =>
  signHead({
    ...log,
    ...{ seq: known.length as Seq, hash: headHash(known), key: undefined, issuedAtMs },
    expiresAtMs: issuedAtMs + headLifeMs,
    ...over,
  });

const refusal = (known: typeof entries, head: SignedHead, newestKey = undefined as SignedHead['key']) =>
  refuseHead({ log, entries: known, newestKey }, head, checks, issuedAtMs);

describe('a signed head', () => {
  test('is taken of the log as it is known, empty ones too', () => {
    expect(refusal(entries, headOf(entries))).toBeUndefined();
    expect(refusal([], headOf([]))).toBeUndefined();
    expect(refusal(rotated, headOf(rotated, { key: testKey(1) }))).toBeUndefined();
  });
  test.each<[string, Partial<SignedHead>]>([
    ['wrong-log', { cluster: 'db' as ClusterName }],
    ['wrong-log', { kernelBuild: 'cd'.repeat(20) as KernelBuildId }],
    ['other-head', { seq: 1 as Seq }],
    ['other-head', { hash: 'ee'.repeat(32) as Sha256 }],
    ['lowered-key', { key: testKey(7) }],
    ['lasts-too-long', { expiresAtMs: issuedAtMs + 366 * headLifeMs }],
  ])('is refused as %s, rightly signed as it may be: %p', (reason, over) => {
    expect(refusal(entries, headOf(entries, over))).toBe(reason);
  });
  test('is refused when an old key signs it, or somebody else', () => {
    expect(refusal(rotated, headOf(rotated))).toBe('lowered-key');
    expect(refusal(entries, headOf(entries), testKey(1))).toBe('lowered-key');
    expect(refusal(entries, { ...headOf(entries), signature: headOf(rotated).signature })).toBe('bad-signature');
    const later = { ...headOf(entries), expiresAtMs: issuedAtMs + headLifeMs + 1 };
    expect(refusal(entries, later)).toBe('bad-signature');
  });
  test('is not believed when it is dated more than a day ahead of the node', () => {
    const ahead = (ms: number) =>
      headOf(entries, { issuedAtMs: issuedAtMs + ms, expiresAtMs: issuedAtMs + ms + headLifeMs });
    expect(refusal(entries, ahead(headLifeMs))).toBeUndefined();
    expect(refusal(entries, ahead(headLifeMs + 1))).toBe('dated-ahead');
    expect(refusal(entries, ahead(3_650 * headLifeMs))).toBe('dated-ahead');
  });
  test('is missed a day after a log is followed of which none was ever told', () => {
    expect(heardUntilMs(undefined, undefined)).toBeUndefined();
    expect(heardUntilMs(undefined, issuedAtMs)).toBe(issuedAtMs + headLifeMs);
    expect(heardUntilMs(headOf(entries), 0)).toBe(issuedAtMs + headLifeMs);
  });
  test('expires at its time', () => {
    const head = headOf(entries);
    expect(hasExpired(head, head.expiresAtMs - 1)).toBe(false);
    expect(hasExpired(head, head.expiresAtMs)).toBe(true);
  });
  test('is no entry and no other head: each field is in what is signed', () => {
    const number = fc.nat(9);
    const any = fc.record({
      seq: number,
      issuedAtMs: number,
      expiresAtMs: number,
      key: fc.constantFrom(undefined, testKey(1)),
    });
    const text = (over: object) => new TextDecoder().decode(encodeHead(headOf(entries, over)));
    fc.assert(
      fc.property(any, any, (one, other) => {
        expect(text(one) === text(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
    expect(text({})).toMatch(/^lockstep log head 1\n\["web",/);
  });
});
