// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeKernelTree, functionsNamed, moduleName } from './tests/fake-kernel-tree';
import type { LoadRequest } from './livepatch-kernel';
import { SysfsKernel } from './sysfs-kernel';

let tree: FakeKernelTree;

function kernelOn(options: { patchedCore?: boolean; modes?: 'shared' | 'own' } = {}): SysfsKernel {
  tree = new FakeKernelTree(options);
  const { roots, calls, writeAttribute } = tree;
  return new SysfsKernel({ roots, calls, writeAttribute, transitionTimeoutMs: 1000 });
}

afterEach(() => {
  jest.restoreAllMocks();
  tree.stop();
});

/** A request for a module file that this kernel would take. */
function request(name: string, functions: string, more: Partial<LoadRequest> = {}): LoadRequest {
  const path = `/artifacts/${name}.ko`;
  tree.moduleFiles.set(path, functionsNamed(functions));
  const base = { path, module: moduleName(name), functions: functionsNamed(functions), replace: false };
  return { ...base, mayShadow: [], replaces: [], ...more };
}

const held = async (kernel: SysfsKernel): Promise<string> =>
  (await kernel.observe()).map((patch) => patch.module).join('<');

describe('observe', () => {
  test('reads functions with their place, and the order of insertion', async () => {
    const kernel = kernelOn();
    tree.insert('zz', functionsNamed('one two'));
    tree.insert('aa', [{ object: 'ext4', name: 'ext4_sync', sympos: 2 }]);
    const [first, second] = await kernel.observe();
    expect(first).toMatchObject({ module: 'zz', enabled: true, transition: false });
    expect(new Set(first!.functions)).toEqual(new Set(functionsNamed('one two')));
    expect(second).toMatchObject({ module: 'aa', functions: [{ object: 'ext4', name: 'ext4_sync', sympos: 2 }] });
  });
  test('goes by stack_order where the core has it', async () => {
    const kernel = kernelOn({ patchedCore: true });
    tree.insert('zz', functionsNamed('one'));
    tree.insert('aa', functionsNamed('two'));
    expect(await held(kernel)).toBe('zz<aa');
  });
  test('does not count a module that is loaded but not in effect', async () => {
    const kernel = kernelOn();
    tree.insertPlain('lockstep_old', true);
    expect(await held(kernel)).toBe('');
  });
  test('says what a kernel without livepatching lacks', async () => {
    const kernel = kernelOn();
    const bare = new SysfsKernel({ roots: { ...tree.roots, sys: '/nowhere' } });
    await expect(bare.observe()).rejects.toMatchObject({ reason: 'no-livepatch' });
    expect(await held(kernel)).toBe('');
  });
});

describe.each(['shared', 'own'] as const)('consistency, where mode and limits are %s', (modes) => {
  const stats = [
    'patch lockstep_a\nmode system\ndirection patching\nresult failed\nattempts 40',
    'window_ns 1 2\nelapsed_ms 300\nblocker 411 meminfo_proc_show my cat\n',
  ].join('\n');

  test('the mode is set before the load; what is taken out goes the way that it came', async () => {
    const kernel = kernelOn({ modes });
    await kernel.load(request('lockstep_a', 'one', { consistency: 'system' }));
    await kernel.load(request('lockstep_b', 'two'));
    await kernel.unload(moduleName('lockstep_b'));
    await kernel.unload(moduleName('lockstep_a'));
    expect(tree.switchedWith).toEqual(['system', 'per_task', 'per_task', 'system']);
  });
  test('what the kernel took back is not loaded, and says who was in the way', async () => {
    const kernel = kernelOn({ modes });
    tree.givesUpWith = stats;
    await expect(kernel.load(request('lockstep_a', 'one', { consistency: 'system' }))).rejects.toMatchObject({
      reason: 'transition-failed',
      fields: { blocking: ['411 (my cat) in meminfo_proc_show'] },
    });
    expect(tree.moduleNames).toEqual([]);
    expect(await kernel.lastTransition()).toMatchObject({ result: 'failed', attempts: 40 });
    await kernel.load(request('lockstep_a', 'one', { consistency: 'system' }));
    expect(await held(kernel)).toBe('lockstep_a');
  });
  test('what the kernel could not take out stays, and is told', async () => {
    const kernel = kernelOn({ modes });
    await kernel.load(request('lockstep_a', 'one', { consistency: 'system' }));
    tree.givesUpWith = stats;
    await expect(kernel.unload(moduleName('lockstep_a'))).rejects.toMatchObject({ reason: 'transition-failed' });
    expect(await held(kernel)).toBe('lockstep_a');
  });
  test('the mode of a transition that a sleeper holds up: the core’s own list names it, not the tasks that have not switched', async () => {
    const kernel = kernelOn({ modes });
    tree.transitionTicks = Infinity;
    tree.blockers = ['blocker 411 meminfo_proc_show my cat'];
    await expect(kernel.load(request('lockstep_a', 'one', { consistency: 'system' }))).rejects.toMatchObject({
      reason: 'transition-timeout',
      message: expect.stringMatching(
        /^Loading lockstep_a did not end within 1000 ms .*: 411 \(my cat\) in meminfo_proc/,
      ),
      transition: { mode: 'system', result: 'reversed', blockers: [{ pid: 411, comm: 'my cat' }] },
    });
    expect(tree.moduleNames).toEqual([]);
  });
  test('while a stock transition goes on, its tasks and functions are told', async () => {
    const kernel = kernelOn();
    tree.transitionTicks = Infinity;
    // The clock stands until the test moves it, so that the transition can be seen however slow the machine is.
    const clock = jest.spyOn(performance, 'now').mockReturnValue(0);
    const loading = kernel.load(request('lockstep_a', 'one'));
    const told = loading.catch((error: unknown) => error);
    while ((await kernel.observe()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await kernel.lastTransition()).toMatchObject({
      ...{ module: 'lockstep_a', mode: 'per_task', result: 'pending', direction: 'patching' },
      blockers: [{ pid: 43, comm: 'sleeper', function: 'one' }],
    });
    clock.mockRestore();
    expect(await told).toMatchObject({ reason: 'transition-timeout' });
    expect(await kernel.lastTransition()).toBeUndefined();
  });
  test('a transition task by task: a core that names who holds it up is asked, and not the stacks of all tasks', async () => {
    const kernel = kernelOn({ modes: 'shared' });
    tree.transitionTicks = Infinity;
    tree.blockers = ['blocker 411 (unreliable:bpf_prog_0123_probe) my cat'];
    await expect(kernel.load(request('lockstep_a', 'one'))).rejects.toMatchObject({
      reason: 'transition-timeout',
      transition: {
        mode: 'per_task',
        blockers: [{ pid: 411, comm: 'my cat', function: '(unreliable:bpf_prog_0123_probe)' }],
      },
    });
  });
  test('a kernel without modes refuses all but its own way', async () => {
    const kernel = kernelOn();
    await expect(kernel.load(request('lockstep_a', 'one', { consistency: 'system' }))).rejects.toMatchObject({
      reason: 'consistency-unsupported',
    });
    await kernel.load(request('lockstep_a', 'one', { consistency: 'per_task' }));
    expect(await kernel.lastTransition()).toBeUndefined();
  });
});

describe('how long a transition may take', () => {
  const impatient = { consistency: 'system', transitionTimeoutMs: 60 } as const;

  test('is what the request says: load, unload and what was left over', async () => {
    const kernel = kernelOn();
    tree.transitionTicks = Infinity;
    const timeout = { reason: 'transition-timeout', message: expect.stringMatching(/did not end within 60 ms/) };
    await expect(kernel.load(request('lockstep_a', 'one', { transitionTimeoutMs: 60 }))).rejects.toMatchObject(timeout);
    tree.insert('lockstep_b', functionsNamed('two'));
    await expect(kernel.unload(moduleName('lockstep_b'), 60)).rejects.toMatchObject(timeout);
    tree.insert('lockstep_c', functionsNamed('three'), Infinity);
    await expect(kernel.settle(moduleName('lockstep_c'), 60)).rejects.toMatchObject(timeout);
    expect(await held(kernel)).toBe('lockstep_b');
  });
  test('is the kernel’s own limit too while it goes on, and only then', async () => {
    const kernel = kernelOn({ modes: 'shared' });
    await kernel.load(request('lockstep_a', 'one', { consistency: 'system', transitionTimeoutMs: 90_000 }));
    await kernel.unload(moduleName('lockstep_a'), 5000);
    expect(tree.limitedBy).toEqual([
      { timeoutMs: 90_000, attempts: 100 },
      { timeoutMs: 5000, attempts: 40 },
    ]);
    expect(tree.limits).toEqual({ timeoutMs: 30_000, attempts: 40 });
  });
  test('is told to each livepatch where the kernel has it so, and nothing of others is changed', async () => {
    const kernel = kernelOn({ modes: 'own' });
    tree.limits = { timeoutMs: 1234, attempts: 7 };
    await kernel.load(request('lockstep_a', 'one', { consistency: 'system', transitionTimeoutMs: 90_000 }));
    await kernel.unload(moduleName('lockstep_a'), 5000);
    expect(tree.limitedBy).toEqual([
      { timeoutMs: 90_000, attempts: 100 },
      { timeoutMs: 5000, attempts: 15 },
    ]);
    expect([tree.switchedWith, tree.limits]).toEqual([['system', 'system'], { timeoutMs: 1234, attempts: 7 }]);
  });
  test('is restored after a failure, and left alone where each task switches by itself', async () => {
    const kernel = kernelOn({ modes: 'shared' });
    tree.limits = { timeoutMs: 1234, attempts: 7 };
    await kernel.load(request('lockstep_a', 'one', { transitionTimeoutMs: 5000 }));
    tree.transitionTicks = Infinity;
    await expect(kernel.load(request('lockstep_b', 'two', impatient))).rejects.toMatchObject({
      reason: 'transition-timeout',
    });
    expect(tree.limitedBy).toEqual([
      { timeoutMs: 1234, attempts: 7 },
      { timeoutMs: 60, attempts: 11 },
    ]);
    expect(tree.limits).toEqual({ timeoutMs: 1234, attempts: 7 });
  });
  test('any limit: the core’s time is the same, its attempts do not end before; what was set comes back', async () => {
    const kernel = kernelOn({ modes: 'shared' });
    const limits = fc.record({ timeoutMs: fc.nat(100_000), attempts: fc.nat(1000) });
    await fc.assert(
      fc.asyncProperty(limits, fc.integer({ min: 1000, max: 86_400_000 }), async (before, transitionTimeoutMs) => {
        tree.limits = before;
        await kernel.load(request('lockstep_a', 'one', { consistency: 'stop_machine', transitionTimeoutMs }));
        const during = tree.limitedBy.at(-1)!;
        expect(during.timeoutMs).toBe(transitionTimeoutMs);
        expect(during.attempts).toBeGreaterThanOrEqual(before.attempts);
        // 10, 20, … 640 ms, then a second each.
        expect(1270 + 1000 * (during.attempts - 8)).toBeGreaterThan(transitionTimeoutMs);
        expect(tree.limits).toEqual(before);
        await kernel.unload(moduleName('lockstep_a'));
      }),
      { numRuns: 20 },
    );
  });
  test('whoever comes after one that was killed meanwhile puts back what was set, once the transition has ended', async () => {
    const next = kernelOn({ modes: 'shared' });
    tree.limits = { timeoutMs: 1234, attempts: 7 };
    tree.transitionTicks = Infinity;
    const { roots, calls, writeAttribute } = tree;
    const begin = async (...args: Parameters<typeof calls.insert>): Promise<never> => {
      await calls.insert(...args);
      return new Promise<never>(() => undefined);
    };
    const killed = new SysfsKernel({ roots, calls: { ...calls, insert: begin }, writeAttribute });
    const wish = { consistency: 'system', transitionTimeoutMs: 90_000 } as const;
    killed.load(request('lockstep_a', 'one', wish)).catch(() => undefined);
    while (tree.limitedBy.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const during = { timeoutMs: 90_000, attempts: 100 };
    await next.recover();
    expect(tree.limits).toEqual(during);
    tree.endNow('lockstep_a', { givesUp: false });
    await next.settle(moduleName('lockstep_a'));
    expect(tree.limits).toEqual({ timeoutMs: 1234, attempts: 7 });
    tree.limits = { timeoutMs: 5, attempts: 6 };
    await next.recover();
    expect(tree.limits).toEqual({ timeoutMs: 5, attempts: 6 });
  });
  test('the next transition takes what one that was killed had set for no setting of anybody', async () => {
    const next = kernelOn({ modes: 'shared' });
    const { roots, calls, writeAttribute } = tree;
    const never = (): Promise<never> => new Promise(() => undefined);
    const killed = new SysfsKernel({ roots, calls: { ...calls, insert: never }, writeAttribute });
    const wish = { consistency: 'system', transitionTimeoutMs: 90_000 } as const;
    killed.load(request('lockstep_a', 'one', wish)).catch(() => undefined);
    while (tree.limits.timeoutMs !== 90_000) await new Promise((resolve) => setTimeout(resolve, 5));
    await next.load(request('lockstep_a', 'one', { ...wish, transitionTimeoutMs: 5000 }));
    expect(tree.limitedBy).toEqual([{ timeoutMs: 5000, attempts: 40 }]);
    expect(tree.limits).toEqual({ timeoutMs: 30_000, attempts: 40 });
  });
  test('a kernel that gives up just when its time is over here too is not told to start again', async () => {
    const kernel = kernelOn({ modes: 'shared' });
    tree.transitionTicks = Infinity;
    tree.blockers = ['blocker 411 one cat'];
    tree.beforeWrite = (file) => {
      if (file.endsWith('/enabled')) tree.endNow('lockstep_a', { givesUp: true });
    };
    await expect(kernel.load(request('lockstep_a', 'one', impatient))).rejects.toMatchObject({
      reason: 'transition-timeout',
      transition: { result: 'failed', blockers: [{ pid: 411, comm: 'cat', function: 'one' }] },
    });
    expect([await held(kernel), tree.moduleNames]).toEqual(['', []]);
  });
  test('an unload that comes to its end just then is done', async () => {
    const kernel = kernelOn({ modes: 'shared' });
    await kernel.load(request('lockstep_a', 'one', { consistency: 'system' }));
    tree.transitionTicks = Infinity;
    let writes = 0;
    tree.beforeWrite = (file) => {
      if (file.endsWith('/enabled') && ++writes === 2) tree.endNow('lockstep_a', { givesUp: false });
    };
    await kernel.unload(moduleName('lockstep_a'), 60);
    expect([await held(kernel), tree.moduleNames]).toEqual(['', []]);
  });
});

describe('load', () => {
  test('returns when the transition has ended', async () => {
    const kernel = kernelOn();
    tree.transitionTicks = 10;
    await kernel.load(request('lockstep_a', 'one'));
    expect(await kernel.observe()).toMatchObject([{ module: 'lockstep_a', enabled: true, transition: false }]);
  });
  test('asks the kernel when nobody tells what came of it in time: what is in effect is loaded', async () => {
    const kernel = kernelOn();
    const { roots, calls, writeAttribute } = tree;
    const hasty = new SysfsKernel({ roots, calls, writeAttribute, loadLimitMs: () => 50 });
    tree.returnsAfterMs = 60_000;
    await hasty.load(request('lockstep_a', 'one'));
    expect(await held(kernel)).toBe('lockstep_a');
  });
  test('calls nothing failed that the kernel has not come to an end with', async () => {
    const kernel = kernelOn();
    const { roots, calls, writeAttribute } = tree;
    const never = (): Promise<never> => new Promise(() => undefined);
    const hasty = new SysfsKernel({ roots, calls: { ...calls, insert: never }, writeAttribute, loadLimitMs: () => 50 });
    await expect(hasty.load(request('lockstep_a', 'one'))).rejects.toMatchObject({
      ...{ kind: 'unavailable', reason: 'load-under-way' },
      message: expect.stringMatching(/takes longer than 50 ms, and the kernel has not begun: nothing failed/),
    });
    expect(await held(kernel)).toBe('');
  });
  test('explains the kernel’s answer by what the kernel shows', async () => {
    const kernel = kernelOn();
    tree.refusesWith = { errno: 16, log: [] };
    await expect(kernel.load(request('lockstep_a', 'one'))).rejects.toMatchObject({ reason: 'kernel-busy' });
    tree.write('proc/sys/kernel/ftrace_enabled', '0\n');
    tree.refusesWith = { errno: 16, log: [] };
    await expect(kernel.load(request('lockstep_a', 'one'))).rejects.toMatchObject({ reason: 'ftrace-disabled' });
    await kernel.load(request('lockstep_a', 'one'));
  });
  test('refuses a conflict before insmod, naming function and owner', async () => {
    const kernel = kernelOn();
    tree.insert('by_hand', functionsNamed('one two'));
    await expect(kernel.load(request('lockstep_b', 'two three'))).rejects.toMatchObject({
      reason: 'conflict',
      fields: { functions: ['vmlinux:two'], owners: ['by_hand'] },
    });
    expect(tree.moduleNames).toEqual(['by_hand']);
  });
  test('sympos 0 and 1 are the same function', async () => {
    const kernel = kernelOn();
    tree.insert('by_hand', functionsNamed('one'));
    const functions = [{ object: 'vmlinux', name: 'one', sympos: 0 }];
    await expect(kernel.load(request('lockstep_b', 'one', { functions }))).rejects.toMatchObject({
      reason: 'conflict',
    });
  });
  test('shadows what it may, granting just that to a patched core', async () => {
    const kernel = kernelOn({ patchedCore: true });
    tree.insert('lockstep_a', functionsNamed('one two'));
    tree.insert('lockstep_x', functionsNamed('other'));
    const mayShadow = [moduleName('lockstep_a'), moduleName('lockstep_gone')];
    await kernel.load(request('lockstep_b', 'two', { mayShadow }));
    expect(tree.grants).toEqual(['lockstep_b lockstep_a\n']);
    expect(await held(kernel)).toBe('lockstep_a<lockstep_x<lockstep_b');
  });
  test('grants what it drops to one that replaces all others', async () => {
    const kernel = kernelOn({ patchedCore: true });
    await kernel.load(request('lockstep_a', 'one'));
    await kernel.load(request('lockstep_b', 'two'));
    const replaces = [moduleName('lockstep_a')];
    await kernel.load(request('lockstep_all', 'two', { replace: true, replaces }));
    expect(tree.grants).toEqual(['lockstep_all lockstep_a\n']);
  });
  test('grants nothing where there is nothing to shadow, and never on a stock core', async () => {
    const kernel = kernelOn({ patchedCore: true });
    await kernel.load(request('lockstep_a', 'one'));
    expect(tree.grants).toEqual([]);
    tree.stop();
    const stock = kernelOn();
    tree.insert('lockstep_a', functionsNamed('one'));
    await stock.load(request('lockstep_b', 'one', { mayShadow: [moduleName('lockstep_a')] }));
    expect(await held(stock)).toBe('lockstep_a<lockstep_b');
  });
  test('a kernel that keeps no more grants is not taken for a full disk', async () => {
    kernelOn({ patchedCore: true });
    tree.insert('lockstep_a', functionsNamed('one'));
    const { roots, calls } = tree;
    const writeAttribute = (file: string): Promise<void> =>
      Promise.reject(Object.assign(new Error(`ENOSPC: no space left on device, write ${file}`), { code: 'ENOSPC' }));
    const kernel = new SysfsKernel({ roots, calls, writeAttribute });
    const mayShadow = [moduleName('lockstep_a')];
    await expect(kernel.load(request('lockstep_b', 'one', { mayShadow }))).rejects.toMatchObject({
      ...{ kind: 'unavailable', reason: 'grants-waiting' },
      message: expect.not.stringContaining('device'),
    });
    expect(tree.moduleNames).toEqual(['lockstep_a']);
  });
  test('removes what an interrupted unload left under its name', async () => {
    const kernel = kernelOn();
    tree.insertPlain('lockstep_a', true);
    await kernel.load(request('lockstep_a', 'one'));
    expect(tree.moduleNames).toEqual(['lockstep_a']);
    expect(await held(kernel)).toBe('lockstep_a');
  });
  test('never removes a module of another kind under its name', async () => {
    const kernel = kernelOn();
    tree.insertPlain('lockstep_a', false);
    await expect(kernel.load(request('lockstep_a', 'one'))).rejects.toMatchObject({ reason: 'module-exists' });
    expect(tree.moduleNames).toEqual(['lockstep_a']);
  });
  test('a transition that does not end is taken back, naming who is in the way', async () => {
    const kernel = kernelOn();
    tree.transitionTicks = Infinity;
    await expect(kernel.load(request('lockstep_a', 'one'))).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'transition-timeout',
      fields: { blocking: ['43 (sleeper) in one'], reversed: true },
    });
    expect(await held(kernel)).toBe('');
    expect(tree.moduleNames).toEqual([]);
  });
});

describe('unload', () => {
  test('disables, waits and removes', async () => {
    const kernel = kernelOn();
    tree.insert('lockstep_a', functionsNamed('one'));
    tree.transitionTicks = 5;
    tree.busyRemovals = 3;
    await kernel.unload(moduleName('lockstep_a'));
    expect(tree.moduleNames).toEqual([]);
    expect(await held(kernel)).toBe('');
  });
  test('a module without an exit is disabled and kept, and not taken for one that can be loaded again', async () => {
    const kernel = kernelOn();
    tree.permanent.add('lockstep_a');
    tree.insert('lockstep_a', functionsNamed('one'));
    await kernel.unload(moduleName('lockstep_a'));
    expect(tree.moduleNames).toEqual(['lockstep_a']);
    expect(await held(kernel)).toBe('');
    await expect(kernel.load(request('lockstep_a', 'one'))).rejects.toMatchObject({ reason: 'module-kept' });
  });
  test('is done when there is nothing, and finishes what was begun', async () => {
    const kernel = kernelOn();
    await kernel.unload(moduleName('lockstep_a'));
    tree.insertPlain('lockstep_a', true);
    await kernel.unload(moduleName('lockstep_a'));
    expect(tree.moduleNames).toEqual([]);
  });
  test('while another livepatch switches that is told, and nothing is done', async () => {
    const kernel = kernelOn();
    tree.insert('lockstep_a', functionsNamed('one'));
    tree.insert('by_hand', functionsNamed('two'), Infinity);
    await expect(kernel.unload(moduleName('lockstep_a'))).rejects.toMatchObject({
      ...{ kind: 'unavailable', reason: 'transition-busy' },
      message: expect.stringContaining('while by_hand is in transition'),
    });
    expect(await held(kernel)).toBe('lockstep_a<by_hand');
  });
  test('one that does not end is taken back: the patch stays in effect', async () => {
    const kernel = kernelOn();
    tree.insert('lockstep_a', functionsNamed('one'));
    tree.transitionTicks = Infinity;
    await expect(kernel.unload(moduleName('lockstep_a'))).rejects.toMatchObject({ reason: 'transition-timeout' });
    expect(await kernel.observe()).toMatchObject([{ module: 'lockstep_a', enabled: true, transition: false }]);
  });
});

describe('identity', () => {
  const note = (name: string, type: number, desc: Buffer): Buffer => {
    const header = Buffer.alloc(12);
    header.writeUInt32LE(name.length, 0);
    header.writeUInt32LE(desc.length, 4);
    header.writeUInt32LE(type, 8);
    const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
    return Buffer.concat([header, pad(Buffer.from(name, 'latin1')), pad(desc)]);
  };
  const buildId = Buffer.from('00112233445566778899aabbccddeeff00112233', 'hex');

  test('finds the GNU build-id among other notes', async () => {
    const kernel = kernelOn();
    tree.writeIdentity(
      Buffer.concat([
        note('Xen\0', 6, Buffer.from('odd')),
        note('GNU\0', 5, Buffer.alloc(8)),
        note('GNU\0', 3, buildId),
      ]),
    );
    expect(await kernel.identity()).toEqual({
      kernelBuild: buildId.toString('hex'),
      release: '5.15.135',
      bootId: 'a-boot',
      patchedCore: false,
    });
  });
  test.each([0, 1, 11, 17])('notes cut off after %i bytes are refused', async (bytes) => {
    const kernel = kernelOn();
    tree.writeIdentity(note('GNU\0', 3, buildId).subarray(0, bytes));
    await expect(kernel.identity()).rejects.toThrow();
  });
});
