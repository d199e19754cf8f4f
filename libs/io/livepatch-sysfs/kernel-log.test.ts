// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { KernelLog } from './kernel-log';

const boot = () => Promise.resolve('boot');

test('the last complaint in the log is told, read on from where it was left, with its boot', async () => {
  const dev = await mkdtemp(path.join(tmpdir(), 'kmsg-'));
  // As /dev/kmsg: one that reads gets what there is, and is not kept waiting for more.
  execFileSync('mkfifo', [path.join(dev, 'kmsg')]);
  const kernel = await open(path.join(dev, 'kmsg'), constants.O_RDWR);
  const log = new KernelLog(dev, boot);
  await kernel.write('6,1,1,-;livepatch: enabling patch\n');
  expect(await log.lastTrouble()).toBeUndefined();
  await kernel.write('4,2,1,-;WARNING: CPU: 0 PID: 1 at f\n');
  expect(await log.lastTrouble()).toEqual({ id: 'boot/2', kind: 'warning', message: 'WARNING: CPU: 0 PID: 1 at f' });
  await kernel.write('6,3,1,-;all is well\n');
  expect(await log.lastTrouble()).toMatchObject({ id: 'boot/2' });
  await log.close();
  await kernel.close();
  await rm(dev, { recursive: true });
});

test('so many records are read at once and no more: the next look goes on there', async () => {
  const dev = await mkdtemp(path.join(tmpdir(), 'kmsg-'));
  execFileSync('mkfifo', [path.join(dev, 'kmsg')]);
  const kernel = await open(path.join(dev, 'kmsg'), constants.O_RDWR);
  const log = new KernelLog(dev, boot, 1);
  await kernel.write('4,2,1,-;WARNING: CPU: 0 PID: 1 at f\n'.padEnd(8_192, ' '));
  await kernel.write('4,3,1,-;WARNING: CPU: 0 PID: 1 at g\n');
  expect([(await log.lastTrouble())?.id, (await log.lastTrouble())?.id]).toEqual(['boot/2', 'boot/3']);
  await log.close();
  await kernel.close();
  await rm(dev, { recursive: true });
});

test('a host without a log to read has no complaint', async () => {
  expect(await new KernelLog('/nowhere', boot).lastTrouble()).toBeUndefined();
  expect(await new KernelLog(undefined, boot).lastTrouble()).toBeUndefined();
});
