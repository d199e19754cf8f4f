// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseTokenKey } from './pkcs11-uri';

const uri = (over: { path?: string; query?: string } = {}): string =>
  `pkcs11:${over.path ?? 'token=build;id=%01'}?${over.query ?? 'module-path=/lib/token.so&pin-source=file:/etc/pin'}`;

test('names a key by its token, its id, the library and the PIN’s file', () => {
  const key = { modulePath: '/lib/token.so', tokenLabel: 'build', id: '01', pinFile: '/etc/pin' };
  expect(parseTokenKey(uri())).toEqual(key);
  expect(parseTokenKey(uri({ path: 'id=a%ff;token=the%20build%20one' }))).toMatchObject({
    ...{ id: '61ff', tokenLabel: 'the build one' },
  });
  expect(parseTokenKey(uri({ query: 'pin-source=file:///etc/pin&module-path=/lib/token.so' }))).toEqual(key);
});

test.each([
  ['no token', { path: 'id=%01' }, /"token" is missing/],
  ['no id', { path: 'token=build' }, /"id" is missing/],
  ['a key by its name', { path: 'token=build;id=%01;object=key' }, /"object" is not used here/],
  ['half an id', { path: 'token=build;id=%0' }, /not percent-encoded/],
  ['two tokens', { path: 'token=a;token=b;id=%01' }, /"token" is there twice/],
  ['no library', { query: 'pin-source=file:/etc/pin' }, /"module-path" is missing/],
  ['a PIN in the open', { query: 'module-path=/lib/token.so&pin-value=1234' }, /"pin-value" is not used here/],
  ['a PIN from anywhere', { query: 'module-path=/lib/token.so&pin-source=|cat' }, /is to be a file/],
])('is not taken with %s', (_, over, message) => {
  expect(() => parseTokenKey(uri(over))).toThrow(message);
});

test('any bytes of an id come through', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes) => {
      const hex = Buffer.from(bytes).toString('hex');
      const id = hex.replace(/../g, '%$&');
      expect(parseTokenKey(uri({ path: `token=t;id=${id}` })).id).toBe(hex);
    }),
  );
});
