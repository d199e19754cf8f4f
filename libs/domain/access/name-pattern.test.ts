// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { matchesNamePattern, parseNamePattern } from './name-pattern';

test('a name looks like a pattern as a shell has it, with `*` alone', () => {
  const alphabet = fc.constantFrom('a', 'b', '-', '1');
  const name = fc
    .string({ unit: alphabet, minLength: 1, maxLength: 12 })
    .filter((text) => /^[a-z0-9](.*[a-z0-9])?$/.test(text));
  const pattern = fc.string({ unit: fc.oneof(alphabet, fc.constant('*')), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(name, pattern, (text, like) => {
      const regex = new RegExp(`^${like.split('*').join('.*')}$`);
      expect([like, text, matchesNamePattern(like, parseNodeName(text))]).toEqual([like, text, regex.test(text)]);
    }),
    { numRuns: 1_000 },
  );
});

test('a pattern that every name looks like is none', () => {
  for (const bad of ['', '*', '**', '*-*.', 'WEB-*', 'web-?', 'a'.repeat(254)]) {
    expect(() => parseNamePattern(bad)).toThrow('is no pattern of names');
  }
  expect(parseNamePattern('web-*.example.org')).toBe('web-*.example.org');
});
