// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authorizationOf, cookieWith, csrfHeader, csrfOf, insistOwnPage, sessionSecretOf } from './session-cookie';

const anySecret = fc.stringMatching(/^[\w-]{43}$/);
const cookieOf = (secret: string): string => `theme=dark; __Host-lockstep=${secret}; other=1`;

describe('a session by cookie', () => {
  test('is found among other cookies, and stands where a token would', () => {
    fc.assert(
      fc.property(anySecret, (secret) => {
        const [pair = ''] = cookieWith(secret, new Date()).split(';');
        expect(authorizationOf({ cookie: pair })).toBe(`Bearer ${secret}`);
        expect(sessionSecretOf({ cookie: cookieOf(secret) })).toBe(secret);
      }),
    );
  });

  test('is not looked at beside a token', () => {
    const headers = { authorization: 'Bearer own', cookie: cookieOf('a'.repeat(43)) };
    expect([sessionSecretOf(headers), authorizationOf(headers)]).toEqual([undefined, 'Bearer own']);
    expect(() => {
      insistOwnPage(headers);
    }).not.toThrow();
  });

  test.each(['', 'a', 'a'.repeat(44), `${'a'.repeat(42)} `, `${'a'.repeat(42)}"`])('%j is none', (secret) => {
    expect(authorizationOf({ cookie: cookieOf(secret) })).toBeUndefined();
  });

  test("another name's cookie is none", () => {
    expect(sessionSecretOf({ cookie: `x__Host-lockstep=${'a'.repeat(43)}` })).toBeUndefined();
  });

  test('is of this host, by TLS, hidden from scripts and from other sites', () => {
    expect(cookieWith('s', new Date(0))).toBe(
      '__Host-lockstep=s; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Strict',
    );
  });
});

test('a change by cookie needs the word that belongs to that session, and no other', () => {
  fc.assert(
    fc.property(anySecret, anySecret, fc.string(), (secret, other, guess) => {
      fc.pre(secret !== other);
      const cookie = cookieOf(secret);
      const asked = (word?: string) => () => {
        insistOwnPage({ cookie, ...(word !== undefined && { [csrfHeader]: word }) });
      };
      expect(asked(csrfOf(secret))).not.toThrow();
      for (const wrong of [undefined, guess, secret, csrfOf(other)]) expect(asked(wrong)).toThrow(csrfHeader);
    }),
  );
});
