// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { everywhere } from '@lockstep/domain/access';
import type { AccessTokenRecord, AccessTokenStore } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { pino } from 'pino';
import { KnownTokens } from './known-tokens';

const token = (id: string, more: Partial<AccessTokenRecord> = {}): AccessTokenRecord => ({
  ...{ id, name: id, owner: { kind: 'person', name: 'alice' }, roles: ['operator'], scope: everywhere },
  ...{ secretSha256: sha256OfBytes(Buffer.from(id)), createdBy: 'person:alice', expiresAt: null },
  ...{ session: false, certificate: false, begunWith: null, createdAt: new Date(), lastUsedAt: null, revokedAt: null },
  ...more,
});

/** Tokens of a store in memory, and what had its calls ended. */
async function known() {
  const table = [token('laptop')];
  const ended: string[] = [];
  const store: AccessTokenStore = {
    list: async () => [...table],
    create: async (made) => ({ ...token(made.id), ...made }),
    revoke: async (name, revokedAt) => ({ ...table.find((each) => each.name === name)!, revokedAt }),
    replace: async () => undefined,
    forget: async () => undefined,
    noteUsed: async () => undefined,
  };
  const endCalls = (id: string): void => {
    ended.push(id);
  };
  const tokens = new KnownTokens({ store, endCalls, log: pino({ level: 'silent' }) });
  await tokens.start();
  return { tokens, store, ended };
}

test('a list that was read before a token was revoked, and answered after it, does not make it good again', async () => {
  const { tokens, store } = await known();
  expect(tokens.identify('laptop').tokenName).toBe('laptop');
  const before = await store.list();
  let answer: (rows: AccessTokenRecord[]) => void = () => undefined;
  store.list = () => new Promise((resolve) => (answer = resolve));
  const reading = tokens.readAgain();
  await tokens.revoke('laptop', undefined);
  answer(before);
  await reading;
  expect(() => tokens.identify('laptop')).toThrow('was revoked');
  await tokens.stop();
});

test('a session that was begun while its token was being revoked is over with it', async () => {
  const { tokens, ended } = await known();
  const session = token('late', { session: true, begunWith: 'laptop' });
  await tokens.revoke('laptop', undefined);
  await tokens.create(session, undefined);
  expect(() => tokens.identify('late')).toThrow('was ended');
  expect(ended).toContain('late');
  await tokens.stop();
});

test('a certificate lets in whoever TLS has shown to have its key, and nobody who sends its bytes', async () => {
  const { tokens } = await known();
  const certificate = token('certificate of carol', { name: 'carol', certificate: true });
  await tokens.create(certificate, undefined);
  const bytes = Buffer.from('certificate of carol');
  expect(tokens.identifyCertificate(bytes).tokenName).toBe('carol');
  expect(() => tokens.identify(bytes.toString())).toThrow('not known here');
  // Nor is a secret a certificate.
  expect(() => tokens.identifyCertificate(Buffer.from('laptop'))).toThrow('not known here');
  await tokens.stop();
});
