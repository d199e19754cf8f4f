// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { AuditEvent } from '@lockstep/domain/audit';
import { firstPreviousHash } from '@lockstep/domain/load-order';
import type { AuditStore, Chained, UnchainedEvent } from '@lockstep/io/database';
import { pino } from 'pino';
import { ChangeNotifier } from '../change-notifier';
import { AuditLog } from './audit-log';

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(path.join(tmpdir(), 'lockstep-audit-'));
});
afterEach(async () => {
  jest.useRealTimers();
  await rm(stateDir, { recursive: true, force: true });
});

const event: AuditEvent = {
  ...{ who: 'eve', token: '', from: '', call: 'Fleet/GetNode', on: 'node:n1' },
  ...{ details: '', because: '', result: 'done' },
};

test('it looks again and again for what has no place, and begins a transaction only where there is something', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'] });
  let unplaced: UnchainedEvent[] = [];
  const placed: number[] = [];
  const asked = { looks: 0, transactions: 0 };
  const store: AuditStore = {
    add: () => Promise.resolve(),
    hasUnplaced: () => {
      asked.looks += 1;
      return Promise.resolve(unplaced.length > 0);
    },
    chain: (link): Promise<Chained | undefined> => {
      asked.transactions += 1;
      if (unplaced.length === 0) return Promise.resolve(undefined);
      const { records, checkpoint } = link(unplaced, { seq: 0, hash: firstPreviousHash });
      placed.push(...records.map(({ seq }) => seq));
      unplaced = [];
      return Promise.resolve({ checkpoint, mayBeMore: false });
    },
    head: () => Promise.resolve({ seq: 0, hash: firstPreviousHash }),
    read: () => Promise.resolve([]),
    checkpoints: () => Promise.resolve([]),
  };
  const signer = { publicKeyPem: '', sign: () => 'signed' };
  const parts = { store, signer: signer as never, changes: new ChangeNotifier(), stateDir };
  const audit = new AuditLog({ ...parts, log: pino({ level: 'silent' }) });
  await audit.start();
  const atStart = { ...asked };
  await jest.advanceTimersByTimeAsync(60_000);
  expect(asked.looks - atStart.looks).toBe(12);
  expect(asked.transactions).toBe(atStart.transactions);
  // Whoever wrote it was killed before it had its place.
  unplaced = [{ ...event, at: '2027-01-01T00:00:00.000Z' }];
  await jest.advanceTimersByTimeAsync(10_000);
  // What it waits for as it stops passes by itself.
  jest.useRealTimers();
  await audit.stop();
  expect(placed).toEqual([1]);
});
