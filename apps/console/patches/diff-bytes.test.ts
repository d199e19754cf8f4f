// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { base64Of } from './diff-bytes';

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

test('bytes are told as they are, also those that are no text, and more than a call takes arguments', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(bytesOf(base64Of(bytes))).toEqual(bytes);
    }),
  );
  const many = new Uint8Array(100_001).fill(0xe9);
  const back = bytesOf(base64Of(many));
  // Byte by byte a matcher takes minutes.
  expect([back.length, back.every((byte) => byte === 0xe9)]).toEqual([100_001, true]);
});
