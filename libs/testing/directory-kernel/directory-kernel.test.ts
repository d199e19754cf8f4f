// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { LoadRequest } from '@lockstep/io/livepatch-sysfs';
import { functionsNamed, moduleName } from '@lockstep/io/livepatch-sysfs/tests/fake-kernel-tree';
import { DirectoryKernel } from './directory-kernel';

const kernelBuild = 'ab'.repeat(20) as KernelBuildId;
let folder: string;
let kernel: DirectoryKernel;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-directory-kernel-'));
  writeFileSync(path.join(folder, 'module.ko'), 'a module');
  kernel = await DirectoryKernel.create(folder, { kernelBuild, release: '6.1.0' });
});

afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function request(name: string, functions: string, more: Partial<LoadRequest> = {}): LoadRequest {
  const base = { path: path.join(folder, 'module.ko'), module: moduleName(name), functions: functionsNamed(functions) };
  return { ...base, replace: false, mayShadow: [], replaces: [], ...more };
}

const held = async (from = kernel): Promise<string> => (await from.observe()).map((patch) => patch.module).join('<');

test('holds what was loaded, in order, for every process that looks', async () => {
  await kernel.load(request('zz', 'one'));
  await kernel.load(request('aa', 'two'));
  expect(await held(new DirectoryKernel(folder))).toBe('zz<aa');
  await kernel.unload(moduleName('zz'));
  await kernel.load(request('zz', 'one'));
  expect(await held()).toBe('aa<zz');
});

test('a load that sleepers hold up is taken back in time, and works once they have left', async () => {
  const sleepers = { aa: [{ pid: 411, comm: 'cat', function: 'one' }] };
  await kernel.change({ sleepers });
  const loading = kernel.load(request('aa', 'one', { transitionTimeoutMs: 1000 }));
  const told = loading.catch((error: unknown) => error);
  while ((await held()) === '') await sleep(5);
  expect(await kernel.lastTransition()).toMatchObject({ module: 'aa', result: 'pending', blockers: sleepers.aa });
  expect(await told).toMatchObject({
    reason: 'transition-timeout',
    transition: { module: 'aa', result: 'reversed', blockers: sleepers.aa },
  });
  expect([await held(), await kernel.lastTransition()]).toEqual(['', undefined]);
  const again = kernel.load(request('aa', 'one', { transitionTimeoutMs: 60_000 }));
  while ((await held()) === '') await sleep(5);
  await kernel.change({ sleepers: {} });
  await again;
  expect(await kernel.observe()).toMatchObject([{ module: 'aa', transition: false }]);
});

test('a reboot empties it and makes a new boot id', async () => {
  await kernel.load(request('aa', 'one'));
  const before = await kernel.identity();
  await kernel.reboot();
  const after = await kernel.identity();
  expect(await held()).toBe('');
  expect(after).toEqual({ ...before, bootId: after.bootId });
  expect(after.bootId).not.toBe(before.bootId);
});

test('refuses conflicts unless granted, and what it is told to refuse', async () => {
  await kernel.load(request('aa', 'one two'));
  await expect(kernel.load(request('bb', 'two'))).rejects.toMatchObject({ reason: 'conflict' });
  await kernel.load(request('bb', 'two', { mayShadow: [moduleName('aa')] }));
  await kernel.change({ refuseLoads: ['cc'] });
  await expect(kernel.load(request('cc', 'three'))).rejects.toMatchObject({ reason: 'insmod-failed' });
  await expect(kernel.load(request('aa', 'four'))).rejects.toMatchObject({ reason: 'module-exists' });
  await expect(kernel.load(request('dd', 'four', { path: '/nowhere.ko' }))).rejects.toThrow(/ENOENT/);
  expect(await held()).toBe('aa<bb');
});

test('a replace load takes all others out of effect when it has switched', async () => {
  await kernel.load(request('aa', 'one'));
  await kernel.change({ transitionMs: 1000 });
  // The clock stands until the test moves it, so that the transition can be seen however slow the machine is.
  const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now());
  const loading = kernel.load(request('all', 'one two', { replace: true }));
  while ((await held()) === 'aa') await sleep(1);
  expect(await kernel.observe()).toMatchObject([{ module: 'aa' }, { module: 'all', transition: true }]);
  clock.mockReturnValue(Date.now() + 1000);
  await loading;
  expect(await held()).toBe('all');
  await kernel.change({ transitionMs: 0 });
  await kernel.load(request('aa', 'three'));
  expect(await held()).toBe('all<aa');
});

test('hands that load at once never overwrite each other', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `foreign_${i}`);
  await Promise.all(
    names.map((name) =>
      new DirectoryKernel(folder).loadByHand({ module: moduleName(name), functions: functionsNamed(name) }),
    ),
  );
  expect(new Set((await held()).split('<'))).toEqual(new Set(names));
});
