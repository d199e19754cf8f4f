// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { awaitedWorker } from './awaited-worker';

const among = (...workers: string[]) => ({ look: () => Promise.resolve({ waiting: 1, active: 0, workers }) });

test('what nobody takes up says so, and what to type; what waits for its turn says nothing', async () => {
  expect(await awaitedWorker(among())).toBe('no build worker is connected: start one with `node dist/build-worker.js`');
  expect(await awaitedWorker(among('host:7'))).toBe('');
});

test('a queue that does not answer is the reason, and no failure', async () => {
  const away = new LockstepError('unavailable', 'queue-unavailable', 'The job queue does not answer.');
  expect(await awaitedWorker({ look: () => Promise.reject(away) })).toBe('The job queue does not answer.');
  const fault = new TypeError('x');
  await expect(awaitedWorker({ look: () => Promise.reject(fault) })).rejects.toBe(fault);
});
