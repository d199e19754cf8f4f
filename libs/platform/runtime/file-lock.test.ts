// SPDX-License-Identifier: GPL-2.0-only
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FileLock } from './file-lock';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-lock-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test('one holder at a time, in one process and between processes', async () => {
  const path = join(dir, 'lock');
  const lock = await FileLock.acquire(path);
  expect(await FileLock.tryAcquire(path)).toBeUndefined();
  expect(spawnSync('flock', ['-n', path, 'true']).status).toBe(1);
  await lock[Symbol.asyncDispose]();
  expect(spawnSync('flock', ['-n', path, 'true']).status).toBe(0);
});

test('many may share it; nobody has it alone meanwhile', async () => {
  const path = join(dir, 'lock');
  const shared = [await FileLock.share(path), await FileLock.share(path)];
  expect(await FileLock.tryAcquire(path)).toBeUndefined();
  for (const lock of shared) await lock[Symbol.asyncDispose]();
  const alone = await FileLock.tryAcquire(path);
  await expect(FileLock.share(path, AbortSignal.timeout(50))).rejects.toThrow();
  await alone?.[Symbol.asyncDispose]();
});

test('waits for the holder, or until it is told to stop', async () => {
  const path = join(dir, 'lock');
  const lock = await FileLock.acquire(path);
  await expect(FileLock.acquire(path, AbortSignal.timeout(50))).rejects.toThrow();
  const waiting = FileLock.acquire(path);
  await lock[Symbol.asyncDispose]();
  await (await waiting)[Symbol.asyncDispose]();
});

test('a killed holder leaves no stale lock', async () => {
  const path = join(dir, 'lock');
  const holder = spawn('flock', ['--no-fork', path, 'sleep', '100']);
  await once(holder, 'spawn');
  while (
    (await FileLock.tryAcquire(path).then(async (lock) => lock?.[Symbol.asyncDispose]().then(() => true))) === true
  );
  holder.kill('SIGKILL');
  await (await FileLock.acquire(path))[Symbol.asyncDispose]();
});

test('a command that was given the lock keeps it as long as it runs', async () => {
  const path = join(dir, 'lock');
  const lock = await FileLock.acquire(path);
  const untilTold = 'until [ -e told ]; do sleep 0.05; done';
  const stdio: ('ignore' | number)[] = ['ignore', 'ignore', 'ignore', lock.descriptor];
  const command = once(spawn('sh', ['-c', untilTold], { cwd: dir, stdio }), 'exit');
  await lock[Symbol.asyncDispose]();
  expect(await FileLock.tryAcquire(path)).toBeUndefined();
  await writeFile(join(dir, 'told'), '');
  await command;
  await (await FileLock.acquire(path))[Symbol.asyncDispose]();
});
