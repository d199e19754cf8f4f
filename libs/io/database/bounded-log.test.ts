// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { boundLog, keepLogBounded } from './bounded-log';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-log-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('a log that somebody appends to stays within two files, and the newest lines are there', async () => {
  const file = path.join(dir, 'postgres.log');
  const writer = await open(file, 'a');
  const others = ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'setTimeout'] as const;
  jest.useFakeTimers({ doNotFake: [...others] });
  const stop = keepLogBounded(file, 1000, 10);
  const size = async (): Promise<number> => (await stat(file)).size;
  for (let line = 0; line < 200; line += 1) {
    await writer.write(`line ${line} ${'x'.repeat(50)}\n`);
    if (line % 25 !== 24) continue;
    // A look takes as long as the disk does: the next line comes after it.
    jest.advanceTimersByTime(10);
    while ((await size()) > 1000) await new Promise(setImmediate);
  }
  stop();
  jest.useRealTimers();
  await boundLog(file, 1000);
  await writer.write('the last line\n');
  expect(await readFile(file, 'utf8')).toMatch(/the last line\n$/);
  expect(await size()).toBeLessThan(3000);
  expect((await stat(`${file}.1`)).size).toBeLessThan(6000);
  await writer.close();
});

test('a log that is not there yet is none', async () => {
  await boundLog(path.join(dir, 'none.log'), 1);
});
