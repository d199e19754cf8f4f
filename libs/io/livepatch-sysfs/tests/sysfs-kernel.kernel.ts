// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  kernelTestSetupMs,
  repositoryRoot,
  startTestMachine,
  testKernelFlavour,
  type QemuMachine,
  type TestMachine,
} from '@lockstep/testing/qemu-machine';
import { bundleScript } from '@lockstep/testing/script-bundle';
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import type { Consistency } from '@lockstep/domain/load-order';
import type { Blocker, ObservedPatch, Transition } from '@lockstep/domain/node-state';
import type { LoadRequest } from '../livepatch-kernel';
import type { Answer, Step } from './guest-driver';

// The kernel port against a real kernel in a machine, with the patched core or without. Livepatches are the selftests'
// module that is made of its parameters, under names of its length.

jest.setTimeout(180_000);

const names = ['klp_p01', 'klp_p02', 'klp_p03', 'klp_p04', 'klp_p05'] as const;
type Name = (typeof names)[number];
const flavour = testKernelFlavour();
const patchedCore = flavour !== 'stock';

let bench: TestMachine;
let folder: string;
let machine: QemuMachine;
let treeDir: string;

function buildModules(): void {
  const selftests = path.join(repositoryRoot, 'kernel-livepatch/selftests');
  execFileSync('make', ['-s', '-C', selftests, `KDIR=${treeDir}`, `OUT=${folder}/built`], { stdio: 'inherit' });
  const module = readFileSync(path.join(folder, 'built/klp_p00.ko')).toString('latin1');
  for (const name of names) {
    writeFileSync(path.join(folder, `${name}.ko`), Buffer.from(module.replaceAll('klp_p00', name), 'latin1'));
  }
}

beforeAll(async () => {
  bench = await startTestMachine({ name: 'sysfs', flavour });
  ({ machine, folder } = bench);
  ({ treeDir } = bench.kernel);
  buildModules();
  await bundleScript({ entry: path.join(__dirname, 'guest-driver.ts'), outfile: path.join(folder, 'driver.js') });
}, kernelTestSetupMs);

afterAll(() => bench[Symbol.asyncDispose]());

async function drive(steps: readonly Step[], transitionTimeoutMs = 60_000): Promise<Answer[]> {
  const script = JSON.stringify({ transitionTimeoutMs, steps });
  return JSON.parse(await machine.run(`node ${folder}/driver.js '${script}'`, 150_000)) as Answer[];
}

interface Wish extends Partial<Omit<LoadRequest, 'functions'>> {
  /** What the module changes, of vmlinux. */
  readonly changes: readonly string[];
  /** What the request says it changes, if something else. */
  readonly says?: readonly string[];
}

function load(name: Name, { changes, says = changes, ...more }: Wish): Step {
  const request: LoadRequest = {
    path: path.join(folder, `${name}.ko`),
    module: name as string as ModuleName,
    functions: says.map((fn) => ({ object: 'vmlinux', name: fn, sympos: 0 })),
    replace: false,
    mayShadow: [],
    replaces: [],
    ...more,
  };
  const functions = `funcs=${changes.map((fn) => `vmlinux:${fn}`).join(',')}`;
  return { do: 'load', request, parameters: [functions, ...(request.replace ? ['replace=1'] : [])] };
}

const unload = (name: Name): Step => ({ do: 'unload', module: name as string as ModuleName });
const observe: Step = { do: 'observe' };
const as = (...modules: Name[]): ModuleName[] => modules as string[] as ModuleName[];
const held = (answer: Answer | undefined): string =>
  (answer?.value as ObservedPatch[]).map((patch) => patch.module).join('<');
const reasons = (answers: readonly Answer[]): string[] => answers.map((answer) => answer.error?.reason ?? 'ok');
const modulesIn = async (): Promise<string> => (await machine.run('lsmod | grep -o "^klp_p.." || true')).trim();

afterEach(async () => {
  await machine.run('for hold in /sys/module/klp_p*/parameters/hold; do echo 0 >$hold || true; done 2>/dev/null; wait');
  const answers = await drive([...names].reverse().map(unload));
  expect(reasons(answers)).toEqual(names.map(() => 'ok'));
  expect(await modulesIn()).toBe('');
});

test('knows the kernel by its build-id', async () => {
  const notes = execFileSync('readelf', ['-n', path.join(treeDir, 'vmlinux')], { encoding: 'utf8' });
  const [answer] = await drive([{ do: 'identity' }]);
  expect(answer?.value).toMatchObject({
    kernelBuild: /Build ID: ([0-9a-f]+)/.exec(notes)?.[1],
    release: (await machine.run('uname -r')).trim(),
    bootId: machine.bootId,
    patchedCore,
  });
});

test('loads in order and shows what each changes', async () => {
  const answers = await drive([
    load('klp_p02', { changes: ['version_proc_show', 'loadavg_proc_show'] }),
    load('klp_p01', { changes: ['cmdline_proc_show'] }),
    observe,
  ]);
  expect(answers[2]?.value).toEqual([
    {
      module: 'klp_p02',
      enabled: true,
      transition: false,
      functions: expect.arrayContaining([
        { object: 'vmlinux', name: 'version_proc_show', sympos: 1 },
        { object: 'vmlinux', name: 'loadavg_proc_show', sympos: 1 },
      ]) as unknown,
    },
    {
      module: 'klp_p01',
      enabled: true,
      transition: false,
      functions: [{ object: 'vmlinux', name: 'cmdline_proc_show', sympos: 1 }],
    },
  ]);
  expect(await machine.run('cat /proc/version /proc/cmdline')).toBe('klp_p02\nklp_p01\n');
});

test('refuses a conflict itself; where it is deceived the kernel does; grants let through what is named', async () => {
  const answers = await drive([
    load('klp_p01', { changes: ['version_proc_show', 'cmdline_proc_show'] }),
    load('klp_p02', { changes: ['version_proc_show'] }),
    load('klp_p02', { changes: ['version_proc_show'], says: ['loadavg_proc_show'] }),
    load('klp_p02', { changes: ['loadavg_proc_show'] }),
    load('klp_p03', { changes: ['version_proc_show', 'loadavg_proc_show'], mayShadow: as('klp_p01') }),
    load('klp_p03', { changes: ['version_proc_show', 'loadavg_proc_show'], mayShadow: as('klp_p01', 'klp_p02') }),
    observe,
  ]);
  // A stock kernel lets the deceiver in, under a name that is then taken; what it owns is seen all the same.
  const deceived = patchedCore ? ['kernel-refused-conflict', 'ok'] : ['ok', 'module-exists'];
  expect(reasons(answers)).toEqual(['ok', 'conflict', ...deceived, 'conflict', 'ok', 'ok']);
  expect(answers[1]?.error?.fields).toMatchObject({ functions: ['vmlinux:version_proc_show'], owners: ['klp_p01'] });
  expect(held(answers[6])).toBe('klp_p01<klp_p02<klp_p03');
  expect(await machine.run('cat /proc/version /proc/cmdline')).toBe('klp_p03\nklp_p01\n');
});

test('takes over with replace, and removes what that puts out of effect', async () => {
  const answers = await drive([
    load('klp_p01', { changes: ['version_proc_show'] }),
    load('klp_p02', { changes: ['cmdline_proc_show'] }),
    load('klp_p03', {
      changes: ['version_proc_show'],
      replace: true,
      replaces: as('klp_p02', 'klp_p01'),
    }),
    observe,
  ]);
  expect(reasons(answers)).toEqual(['ok', 'ok', 'ok', 'ok']);
  expect(answers[3]?.value).toMatchObject([
    { module: 'klp_p03', transition: false, functions: [{ name: 'version_proc_show' }] },
  ]);
  expect(await modulesIn()).toBe('klp_p03');
});

/** A reader that stays inside of `name`'s replacement of version_proc_show. */
async function sleepIn(name: Name): Promise<void> {
  await machine.run(
    `echo 1 >/sys/module/${name}/parameters/hold; setsid cat /proc/version >/dev/null 2>&1 </dev/null &
     until grep -q klp_test_show /proc/[0-9]*/stack 2>/dev/null; do sleep 0.1; done`,
  );
}

/** All ways to switch that the kernel has. */
const modes: readonly Consistency[] = patchedCore ? ['per_task', 'system', 'stop_machine'] : ['per_task'];

/** The sleeper's pid. */
const sleeper = async (): Promise<number> =>
  Number(await machine.run("grep -l klp_test_show /proc/[0-9]*/stack 2>/dev/null | head -1 | tr -dc '0-9'"));
const release = (name: Name): Promise<string> => machine.run(`echo 0 >/sys/module/${name}/parameters/hold`);
const kernelLimits = 'cat /sys/module/livepatch/parameters/consistency_*';

function expectTakenBack({ error, transition }: Answer | undefined = {}, expected: Partial<Transition>): void {
  expect(error).toMatchObject({ reason: 'transition-timeout', fields: { reversed: true } });
  expect(error?.message).toMatch(
    /oading klp_p0\d did not end within 2000 ms and was taken back.* \d+ \(cat\) in \w+\./,
  );
  expect(transition).toMatchObject(expected);
  expect(['reversed', 'failed']).toContain(transition?.result);
}

describe.each(modes)('with consistency %s', (consistency) => {
  const p01 = (): Step => load('klp_p01', { changes: ['version_proc_show'], consistency });
  // What is to succeed has its time: an emulated machine beside other jobs may need more than those two seconds.
  const over = (transitionTimeoutMs = 60_000): Step =>
    load('klp_p02', {
      ...{ changes: ['version_proc_show'], mayShadow: as('klp_p01') },
      ...{ consistency, transitionTimeoutMs },
    });
  const last: Step = { do: 'lastTransition' };
  const isWhole = consistency !== 'per_task';

  /** What the kernel tells of the transition: in the new modes attempts, and how long all CPUs stood still. */
  function expectSwitched(answer: Answer | undefined, module: Name, direction: Transition['direction']): void {
    if (!patchedCore) {
      expect(answer?.value).toBeUndefined();
      return;
    }
    const seen = answer?.value as Transition;
    expect(seen).toMatchObject({ module, mode: consistency, direction, result: 'switched', blockers: [] });
    expect([seen.attempts > 0, seen.windowLastNs > 0, seen.windowMaxNs > 0]).toEqual([isWhole, isWhole, isWhole]);
    expect(seen.windowMaxNs).toBeGreaterThanOrEqual(seen.windowLastNs);
  }

  test('loads and unloads, and tells how', async () => {
    const answers = await drive([p01(), last, unload('klp_p01'), last]);
    expect(reasons(answers)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expectSwitched(answers[1], 'klp_p01', 'patching');
    expectSwitched(answers[3], 'klp_p01', 'unpatching');
  });

  test('an unload that a sleeper holds up is taken back in time and names it; then it works', async () => {
    await drive([p01()]);
    const limits = await machine.exec(kernelLimits);
    await sleepIn('klp_p01');
    const pid = await sleeper();
    const [first, seen] = await drive([{ ...unload('klp_p01'), limitMs: 2000 } as Step, observe]);
    const blockers = [expect.objectContaining({ pid, comm: 'cat' })] as unknown as Blocker[];
    expectTakenBack(first, { module: as('klp_p01')[0]!, mode: consistency, direction: 'unpatching', blockers });
    expect(seen?.value).toMatchObject([{ module: 'klp_p01', enabled: true, transition: false }]);
    expect(await machine.exec(kernelLimits)).toEqual(limits);
    await release('klp_p01');
    expect(reasons(await drive([unload('klp_p01')]))).toEqual(['ok']);
  });

  test('a load that a sleeper holds up leaves the kernel as it was, and names it; then it works', async () => {
    await drive([p01()]);
    const limits = await machine.exec(kernelLimits);
    await sleepIn('klp_p01');
    const pid = await sleeper();
    const [first, seen] = await drive([over(2000), observe]);
    const blockers = [expect.objectContaining({ pid, comm: 'cat' })] as unknown as Blocker[];
    expectTakenBack(first, { module: as('klp_p02')[0]!, mode: consistency, direction: 'patching', blockers });
    if (isWhole) expect(first?.transition?.attempts).toBeGreaterThan(0);
    expect(held(seen)).toBe('klp_p01');
    expect(await modulesIn()).toBe('klp_p01');
    expect(await machine.exec(kernelLimits)).toEqual(limits);
    await release('klp_p01');
    expect(reasons(await drive([over()]))).toEqual(['ok']);
    expect(await machine.run('cat /proc/version')).toBe('klp_p02\n');
  });
});

// A stock kernel has no limit of its own, and no such test.
for (const consistency of modes.filter((mode) => mode !== 'per_task')) {
  test(`with consistency ${consistency} the kernel takes it back in time when the process that waits is killed`, async () => {
    await drive([load('klp_p01', { changes: ['version_proc_show'] })]);
    await sleepIn('klp_p01');
    const over = (transitionTimeoutMs: number): Step =>
      load('klp_p02', {
        ...{ changes: ['version_proc_show'], mayShadow: as('klp_p01') },
        ...{ consistency, transitionTimeoutMs },
      });
    const script = JSON.stringify({ transitionTimeoutMs: 60_000, steps: [over(4000)] });
    const p02 = '/sys/kernel/livepatch/klp_p02';
    await machine.run(
      `node ${folder}/driver.js '${script}' >/dev/null 2>&1 & driver=$!
       until [ "$(cat ${p02}/transition 2>/dev/null)" = 1 ]; do sleep 0.05; done
       kill -9 $driver
       until [ ! -e ${p02} ]; do sleep 0.1; done`,
    );
    const [answer] = await drive([{ do: 'lastTransition' }]);
    const told = answer?.value as Transition;
    expect(told).toMatchObject({ module: 'klp_p02', mode: consistency, result: 'failed' });
    expect(told.elapsedMs).toBeGreaterThanOrEqual(4000);
    expect(told.elapsedMs).toBeLessThan(30_000);
    await release('klp_p01');
    // What it left over is no obstacle, and its limit was that of this livepatch alone.
    expect(reasons(await drive([over(60_000), unload('klp_p02')]))).toEqual(['ok', 'ok']);
  });
}

test('finishes an unload that was interrupted after the patch was disabled', async () => {
  const p01 = load('klp_p01', { changes: ['version_proc_show'] });
  await drive([p01]);
  await machine.run(
    'echo 0 >/sys/kernel/livepatch/klp_p01/enabled; while [ -e /sys/kernel/livepatch/klp_p01 ]; do sleep 0.1; done',
  );
  expect(await modulesIn()).toBe('klp_p01');
  const answers = await drive([observe, p01, observe]);
  expect([held(answers[0]), answers[1]?.error, held(answers[2])]).toEqual(['', undefined, 'klp_p01']);
});

test('says why the kernel takes no such module', async () => {
  writeFileSync(path.join(folder, 'klp_p04.ko'), 'no module');
  const [answer] = await drive([load('klp_p04', { changes: ['version_proc_show'] })]);
  expect(answer?.error).toMatchObject({ reason: 'malformed-module', fields: { errno: 8 } });
});
