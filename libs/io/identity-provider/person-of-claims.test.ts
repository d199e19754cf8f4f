// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { everywhere } from '@lockstep/domain/access';
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseIdentityProvider } from './provider-config';
import { personOf } from './person-of-claims';

const written = {
  issuer: 'https://id.example.org/',
  ...{ clientId: 'lockstep', clientSecret: 's', publicUrl: 'https://lockstep.example.org:7446' },
  groups: [
    { group: 'sre', roles: ['operator', 'auditor'], everywhere: true },
    { group: 'web', roles: ['viewer'], clusters: ['web'] },
  ],
};
const read = (some: object = {}) => parseIdentityProvider(JSON.stringify({ ...written, ...some }), 'oidc.json');

const reasonOf = (ask: () => unknown): string => {
  try {
    ask();
    return 'answered';
  } catch (error) {
    return (error as LockstepError).reason;
  }
};

describe('who signs in', () => {
  test('is named by a claim, and may what the first group that is known gives', () => {
    expect(personOf({ email: 'Alice@Example.org', groups: ['x', 'web', 'sre'] }, read())).toEqual({
      owner: { kind: 'person', name: 'alice@example.org' },
      ...{ roles: ['operator', 'auditor'], scope: everywhere, groups: ['x', 'web', 'sre'] },
    });
    const other = read({ nameClaim: 'preferred_username', groupsClaim: 'roles' });
    expect(personOf({ preferred_username: 'bob', roles: ['web'] }, other).scope).toEqual({
      clusters: ['web'],
      nodes: [],
    });
  });

  test.each([
    ['nobody of that name', { groups: ['sre'] }, 'sign-in-without-name'],
    [
      'an address that nobody has checked',
      { email: 'a@b.c', email_verified: false, groups: ['sre'] },
      'sign-in-unverified',
    ],
    ['no group', { email: 'a@b.c' }, 'sign-in-without-rights'],
    ['a group that is none', { email: 'a@b.c', groups: 'sre' }, 'sign-in-without-rights'],
    ['a name that is none here', { email: 'a <b>', groups: ['sre'] }, 'invalid-name'],
  ])('%s gets in', (_, claims, reason) => {
    expect(reasonOf(() => personOf(claims, read()))).toBe(reason);
  });
});

test.each([
  ['no JSON', '{'],
  ['a provider without TLS', { issuer: 'http://id.example.org' }],
  ['a word that there is not', { group: 'sre' }],
  ['a role that is none', { groups: [{ group: 'a', roles: ['root'], everywhere: true }] }],
  ['rights nowhere', { groups: [{ group: 'a', roles: ['admin'] }] }],
  [
    'rights everywhere and somewhere',
    { groups: [{ group: 'a', roles: ['admin'], everywhere: true, clusters: ['web'] }] },
  ],
])('%s is refused, and the file named', (_, some) => {
  const text = typeof some === 'string' ? some : JSON.stringify({ ...written, ...some });
  expect(() => parseIdentityProvider(text, 'oidc.json')).toThrow('oidc.json does not describe an identity provider');
});
