// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { FakeKernelTree, functionsNamed, moduleName } from './tests/fake-kernel-tree';
import { parseKernelConflicts } from './kernel-conflicts';
import { SysfsKernel, type SysfsKernelOptions, type Waiting } from './sysfs-kernel';

let tree: FakeKernelTree;

function kernelOn(options: { patchedCore?: boolean }, more: SysfsKernelOptions = {}): SysfsKernel {
  tree = new FakeKernelTree(options);
  const { roots, calls, writeAttribute } = tree;
  return new SysfsKernel({ roots, calls, writeAttribute, ...more });
}

afterEach(() => {
  jest.restoreAllMocks();
  tree.stop();
});

describe("the kernel's own list of conflicts", () => {
  test('names object, function, place and owners from the top, other names included', () => {
    kernelOn({});
    expect(parseKernelConflicts('vmlinux foo,1 b a\next4 bar,2 c:bar_alias,1 b a\n')).toEqual([
      { function: { object: 'vmlinux', name: 'foo', sympos: 1 }, owners: [{ module: 'b' }, { module: 'a' }] },
      {
        function: { object: 'ext4', name: 'bar', sympos: 2 },
        owners: [{ module: 'c', knownAs: { name: 'bar_alias', sympos: 1 } }, { module: 'b' }, { module: 'a' }],
      },
    ]);
    expect(parseKernelConflicts('')).toEqual([]);
  });

  test.each(['vmlinux foo b a', 'vmlinux foo,1 b', 'vmlinux', 'vmlinux foo,1 b:x a'])('refuses "%s"', (line) => {
    kernelOn({});
    expect(() => parseKernelConflicts(line)).toThrow(expect.objectContaining({ reason: 'unknown-conflicts' }));
  });

  test('is read where the core has it, and empty on a stock one', async () => {
    const kernel = kernelOn({ patchedCore: true });
    expect(await kernel.conflicts()).toEqual([]);
    // Earlier patched cores have it in sysfs.
    writeFileSync(path.join(tree.roots.sys, 'kernel/livepatch/conflicts'), 'vmlinux foo,1 b a\n');
    expect(await kernel.conflicts()).toMatchObject([{ owners: [{ module: 'b' }, { module: 'a' }] }]);
    mkdirSync(path.join(tree.roots.sys, 'kernel/debug/livepatch'), { recursive: true });
    writeFileSync(path.join(tree.roots.sys, 'kernel/debug/livepatch/conflicts'), '(state) 7,1 c a\n');
    expect(await kernel.conflicts()).toMatchObject([{ function: { object: '(state)', name: '7' } }]);
  });
});

test('places in the load order and modules out of effect are told', async () => {
  const kernel = kernelOn({ patchedCore: true });
  tree.insertPlain('old_one', true);
  tree.insertPlain('driver', false);
  tree.insert('zz', functionsNamed('one'));
  tree.insert('aa', functionsNamed('two'));
  expect([...(await kernel.stackOrders())]).toEqual([
    ['zz', 1],
    ['aa', 2],
  ]);
  expect((await kernel.livepatchModules()).map(({ name }) => name)).toEqual(['aa', 'zz', 'old_one']);
});

describe('a transition that does not end', () => {
  const request = () => {
    tree.moduleFiles.set('/a.ko', functionsNamed('one'));
    tree.transitionTicks = Infinity;
    return { path: '/a.ko', module: moduleName('a'), functions: functionsNamed('one') };
  };
  const rest = { replace: false, mayShadow: [], replaces: [] };

  test('is taken back when interrupted', async () => {
    const interrupt = new AbortController();
    const kernel = kernelOn({}, { signal: interrupt.signal });
    const error = { kind: 'cancelled', reason: 'interrupted', fields: { module: 'a', reversed: true } };
    const refused = expect(kernel.load({ ...request(), ...rest })).rejects.toMatchObject(error);
    while (tree.moduleNames.length === 0) await sleep(5);
    interrupt.abort();
    await refused;
    expect(tree.moduleNames).toEqual([]);
  });

  test('is told about, with the tasks in the way', async () => {
    const told: Waiting[] = [];
    // Its time is over once it was told: a machine that stands still for half a second may find it over before.
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + (told.length > 0 ? 60_000 : 0));
    const kernel = kernelOn({}, { transitionTimeoutMs: 60_000, onWaiting: (waiting) => told.push(waiting) });
    await expect(kernel.load({ ...request(), ...rest })).rejects.toMatchObject({ reason: 'transition-timeout' });
    expect(told[0]).toMatchObject({ module: 'a', enabling: true, blocking: ['43 (sleeper) in one'] });
    expect(told[0]!.elapsedMs).toBeGreaterThanOrEqual(1000);
  });
});
