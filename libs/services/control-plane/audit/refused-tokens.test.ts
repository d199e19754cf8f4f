// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { AuditEvent } from '@lockstep/domain/audit';
import { RefusedTokens } from './refused-tokens';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('what is refused to strangers is one record a minute, which says how often, and from where', () => {
  const told: AuditEvent[] = [];
  const refused = new RefusedTokens((event) => told.push(event));
  for (let count = 0; count < 5_000; count += 1) {
    refused.note({ reason: 'token-wrong', token: undefined, address: `192.0.2.${count % 200}` });
  }
  refused.note({ reason: 'token-revoked', token: 'robot', address: '192.0.2.1' });
  jest.advanceTimersByTime(1_000);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ who: 'unknown', from: '', call: 'Access/Identify', result: 'unauthenticated' });
  const { refused: counts, addresses, tokens } = JSON.parse(told[0]!.details) as Record<string, unknown>;
  expect([counts, (addresses as string[]).length, tokens]).toEqual([
    { 'token-wrong': 5_000, 'token-revoked': 1 },
    10,
    ['robot'],
  ]);
  refused.note({ reason: 'token-wrong', token: undefined, address: '192.0.2.9' });
  jest.advanceTimersByTime(58_000);
  expect(told).toHaveLength(1);
  jest.advanceTimersByTime(2_000);
  expect([told.length, told[1]?.from]).toEqual([2, '192.0.2.9']);
});
