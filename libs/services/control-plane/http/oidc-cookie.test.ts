// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { placeInConsole, signInCookie, signInOnItsWay } from './oidc-cookie';

const word = fc.stringMatching(/^[\w-]{1,50}$/);

test('a sign-in comes back as it went, among other cookies', () => {
  const before = fc.option(fc.stringMatching(/^[0-9a-f]{64}$/), { nil: undefined });
  const rest = fc.stringMatching(/^[\w/?=&.-]{0,50}$/);
  fc.assert(
    fc.property(word, word, word, rest, before, (state, nonce, verifier, place, ends) => {
      const begun = { state, nonce, verifier, to: `/console/${place}`, before: ends };
      const [pair = ''] = signInCookie(begun).split(';');
      expect(signInOnItsWay({ cookie: `a=1; ${pair}; b=2` })).toEqual(begun);
    }),
  );
  expect(signInOnItsWay({ cookie: '__Host-lockstep-oidc=a.b.c' })).toBeUndefined();
});

test.each([
  'https://evil.example/',
  '//evil.example/console/',
  '/v1/nodes',
  '/console/\\evil',
  '/console/\r\nx: y',
  undefined,
])('nobody is sent to %j', (to) => {
  expect(placeInConsole(to)).toBe('/console/');
});
