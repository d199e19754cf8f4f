// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import type { TestControlPlane } from './test-control-plane';
import { TestNode } from './tests/test-node';

// Who holds a transition up, as the control plane is told.

let node: TestNode;
let plane: TestControlPlane;
let kernel: DirectoryKernel;

beforeEach(async () => {
  node = await TestNode.create();
  ({ plane, kernel } = node);
});
afterEach(() => node.remove());

test('who holds a transition up is reported while it goes on, and what came of it afterwards', async () => {
  plane.append('a', 'abc');
  const blockers = [{ pid: 7, comm: 'cat', function: 'a' }];
  const counts = { attempts: 3, windowLastNs: 1, windowMaxNs: 2, checkedOutside: 4, checkedInside: 5, elapsedMs: 6 };
  const pending = { module: 'lockstep_a' as ModuleName, mode: 'system', direction: 'patching', ...counts } as const;
  let isLoaded = false;
  jest
    .spyOn(kernel, 'lastTransition')
    .mockImplementation(() =>
      Promise.resolve({ ...pending, result: isLoaded ? 'switched' : 'pending', blockers: isLoaded ? [] : blockers }),
    );
  const load = kernel.load.bind(kernel);
  jest.spyOn(kernel, 'load').mockImplementation(async (request) => {
    await node.until('the blocker is told', () => plane.lastReport?.lastTransition?.blockers.length === 1);
    await load(request);
    isLoaded = true;
  });
  await node.startAgent();
  await node.inStep(0);
  plane.moveTo(1);
  await node.inStep(1);
  await node.until('the end is told', () => plane.lastReport?.lastTransition?.result === 'switched');
  expect(plane.lastReport?.lastTransition).toMatchObject({ moduleName: 'lockstep_a', attempts: 3, blockers: [] });
});

test('a look at who holds it up that takes long is not joined by another', async () => {
  plane.append('a', 'abc');
  const lastTransition = kernel.lastTransition.bind(kernel);
  let isLoading = false;
  let [looks, atOnce, most] = [0, 0, 0];
  jest.spyOn(kernel, 'lastTransition').mockImplementation(async () => {
    if (!isLoading) return lastTransition();
    looks += 1;
    most = Math.max(most, ++atOnce);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    atOnce -= 1;
    return undefined;
  });
  const load = kernel.load.bind(kernel);
  jest.spyOn(kernel, 'load').mockImplementation(async (request) => {
    isLoading = true;
    await node.until('two looks', () => looks > 1);
    isLoading = false;
    await load(request);
  });
  await node.startAgent();
  await node.inStep(0);
  plane.moveTo(1);
  await node.inStep(1);
  expect(most).toBe(1);
});

test('who was in the way stays told while the next try has met nobody yet', async () => {
  // Long enough for two looks at one try, which come after one second and after three.
  plane.append('a', 'abc', [], { transitionTimeoutMs: 5000 });
  await kernel.change({ sleepers: { lockstep_a: [{ pid: 7, comm: 'cat', function: 'a' }] } });
  const lastTransition = kernel.lastTransition.bind(kernel);
  let failures = 0;
  let looksAtNextTry = 0;
  jest.spyOn(kernel, 'lastTransition').mockImplementation(async () => {
    const last = await lastTransition();
    if (failures === 0 || last?.result !== 'pending') return last;
    looksAtNextTry += 1;
    return { ...last, blockers: [] };
  });
  const load = kernel.load.bind(kernel);
  jest.spyOn(kernel, 'load').mockImplementation((request) =>
    load(request).catch((error: unknown) => {
      failures += 1;
      throw error;
    }),
  );
  await node.startAgent();
  await node.inStep(0);
  plane.moveTo(1);
  await node.until('the failure', () => plane.lastReport?.problem?.reason === 'transition-timeout');
  plane.reports.length = 0;
  await node.until('the next try is looked at and told', () => looksAtNextTry > 1 && plane.reports.length > 1);
  expect(plane.reports.map(({ lastTransition }) => lastTransition?.blockers.map(({ pid }) => pid))).toEqual(
    plane.reports.map(() => [7]),
  );
});
