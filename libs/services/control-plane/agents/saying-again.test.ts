// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { sayingAgain } from './saying-again';

test('the same bytes are the same object, without being read; others, and those again, are read', () => {
  let reads = 0;
  const hear = sayingAgain((bytes) => {
    reads += 1;
    return { text: bytes.toString() };
  });
  const [first, again, other, back] = ['a', 'a', 'b', 'a'].map((text) => hear(Buffer.from(text)));
  expect([again, other, back]).toEqual([first, { text: 'b' }, first]);
  expect(again).toBe(first);
  expect(back).not.toBe(first);
  expect(reads).toBe(3);
});

test('what cannot be read is no less so when it comes again', () => {
  const hear = sayingAgain((bytes) => JSON.parse(bytes.toString()) as unknown);
  for (const text of ['{', '{']) expect(() => hear(Buffer.from(text))).toThrow(SyntaxError);
});
