// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { GuestShell } from './guest-shell';

let dir = '';
let shell: GuestShell;
let guest: Socket;
let requests: { id: string; command: string }[] = [];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-shell-'));
  shell = await GuestShell.listen(join(dir, 's'));
  guest = connect(join(dir, 's'));
  requests = [];
  createInterface({ input: guest }).on('line', (line) => {
    const [id = '', encoded = ''] = line.split(' ');
    requests.push({ id, command: Buffer.from(encoded, 'base64').toString() });
  });
  guest.write('ready first-boot\n');
  await shell.ready();
});

afterEach(async () => {
  guest.destroy();
  await shell.close();
  await rm(dir, { recursive: true, force: true });
});

async function requested(count: number): Promise<void> {
  while (requests.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('answers belong to their questions, whatever order they come in and however they are cut', async () => {
  const slow = shell.exec('slow', 60_000);
  const quick = shell.exec('echo "a b"\nfalse', 60_000);
  await requested(2);
  expect(requests[1]?.command).toBe('echo "a b"\nfalse');
  const answer = `done ${requests[1]!.id} 1 =${base64('a b\n')} =\n`;
  guest.write(answer.slice(0, 9));
  await new Promise((resolve) => setTimeout(resolve, 20));
  guest.write(answer.slice(9));
  expect(await quick).toEqual({ status: 1, stdout: 'a b\n', stderr: '' });
  guest.write(`done ${requests[0]!.id} 0 = =${base64('ü')}\n`);
  expect(await slow).toEqual({ status: 0, stdout: '', stderr: 'ü' });
});

test('a guest that does not answer is not waited for for ever', async () => {
  await expect(shell.exec('hang', 30)).rejects.toThrow('did not answer within 30 ms: hang');
});

test('a guest that starts again answers nothing that was asked before', async () => {
  const asked = shell.exec('reboot', 60_000);
  guest.write('ready second-boot\n');
  await expect(asked).rejects.toThrow('started again');
  expect(shell.bootId).toBe('second-boot');
});
