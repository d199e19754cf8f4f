// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { buildEnvironment, runCommand } from './run-command';

test('status and everything it wrote, lines as they come', async () => {
  const lines: string[] = [];
  const result = await runCommand('sh', ['-c', 'echo one; echo two >&2; exit 7'], {
    onLine: (line) => lines.push(line),
  });
  expect(result.status).toBe(7);
  expect(result.output.split('\n').sort()).toEqual(['', 'one', 'two']);
  expect(lines).toEqual(['one']);
});

test('a program that is not there is an error', async () => {
  await expect(runCommand('lockstep-no-such-program', [])).rejects.toMatchObject({ code: 'ENOENT' });
});

test('an abort reaches what the command started', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'lockstep-run-'));
  const controller = new AbortController();
  const command = 'sleep 1000 & echo $! >pid; echo started; wait';
  const running = runCommand('sh', ['-c', command], {
    cwd: dir,
    signal: controller.signal,
    onLine: () => {
      controller.abort(new Error('told to stop'));
    },
  });
  await expect(running).rejects.toThrow('told to stop');
  const grandchild = Number(await readFile(join(dir, 'pid'), 'utf8'));
  while (await isAlive(grandchild)) await new Promise((done) => setTimeout(done, 10));
  await rm(dir, { recursive: true, force: true });
});

/** Killed is gone, or waiting to be reaped by whoever is process 1 here. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !status.includes(') Z');
}

test('a make around us does not steer the make we start', () => {
  process.env['MAKEFLAGS'] = '--jobserver-auth=3,4';
  expect(buildEnvironment()).not.toHaveProperty('MAKEFLAGS');
  delete process.env['MAKEFLAGS'];
});
