// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { boundLog, keepLogBounded } from './bounded-log';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'lockstep-log-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('a log that somebody appends to stays within two files, and the newest lines are there', async () => {
  const file = path.join(dir, 'postgres.log');
  const writer = await open(file, 'a');
  const stop = keepLogBounded(file, 1000, 10);
  for (let line = 0; line < 200; line += 1) {
    await writer.write(`line ${line} ${'x'.repeat(50)}\n`);
    await sleep(1);
  }
  stop();
  await sleep(50);
  await boundLog(file, 1000);
  await writer.write('the last line\n');
  expect(await readFile(file, 'utf8')).toMatch(/the last line\n$/);
  expect((await stat(file)).size).toBeLessThan(3000);
  expect((await stat(`${file}.1`)).size).toBeLessThan(6000);
  await writer.close();
});

test('a log that is not there yet is none', async () => {
  await boundLog(path.join(dir, 'none.log'), 1);
});
