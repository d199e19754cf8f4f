// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import {
  kernelTestSetupMs,
  repositoryRoot,
  startTestMachine,
  testKernelFlavour,
  type QemuMachine,
  type TestMachine,
} from '@lockstep/testing/qemu-machine';
import { bundleScript } from '@lockstep/testing/script-bundle';
import type { Answer, Script, Step } from './guest-driver';

// Why a real kernel does not take a module, and how long it may be at one: each reason is made in a machine.

jest.setTimeout(180_000);

let bench: TestMachine;
let folder: string;
let machine: QemuMachine;

/** Copies of a test module under other names of the same length. */
function rename(module: string, ...names: readonly string[]): void {
  const bytes = readFileSync(path.join(folder, `built/${module}.ko`)).toString('latin1');
  for (const name of names) {
    writeFileSync(path.join(folder, `${name}.ko`), Buffer.from(bytes.replaceAll(module, name), 'latin1'));
  }
}

function patchBytes(from: string, to: string, change: (text: string) => string): void {
  const text = readFileSync(path.join(folder, `${from}.ko`)).toString('latin1');
  writeFileSync(path.join(folder, `${to}.ko`), Buffer.from(change(text).replaceAll(from, to), 'latin1'));
}

beforeAll(async () => {
  bench = await startTestMachine({ name: 'refusals', flavour: testKernelFlavour() });
  ({ machine, folder } = bench);
  const selftests = path.join(repositoryRoot, 'kernel-livepatch/selftests');
  const { treeDir } = bench.kernel;
  execFileSync('make', ['-s', '-C', selftests, `KDIR=${treeDir}`, `OUT=${folder}/built`], { stdio: 'inherit' });
  rename('klp_p00', 'klp_p01', 'klp_p02', 'klp_p03');
  rename('klp_holder', 'klp_holder');
  patchBytes('klp_p01', 'klp_p04', (text) => text.replaceAll('seq_printf', 'seq_prinff'));
  patchBytes('klp_p01', 'klp_p05', (text) => text.replace(/vermagic=\d/, 'vermagic=7'));
  await bundleScript({ entry: path.join(__dirname, 'guest-driver.ts'), outfile: path.join(folder, 'driver.js') });
}, kernelTestSetupMs);

afterAll(() => bench[Symbol.asyncDispose]());

/** What a test left behind. */
afterEach(() =>
  machine.run(
    `for on in /sys/kernel/livepatch/klp_*/enabled; do echo 0 >$on; done 2>/dev/null
     until ! ls -d /sys/kernel/livepatch/klp_* >/dev/null 2>&1; do sleep 0.1; done
     for module in /sys/module/klp_*; do rmmod $(basename $module); done 2>/dev/null || true`,
  ),
);

async function drive(steps: readonly Step[], more: Partial<Script> = {}): Promise<Answer[]> {
  const script = JSON.stringify({ transitionTimeoutMs: 60_000, steps, ...more });
  return JSON.parse(await machine.run(`node ${folder}/driver.js '${script}'`, 150_000)) as Answer[];
}

function load(name: string, names: readonly string[], parameter = ''): Step {
  const functions = names.map((each) => ({ object: 'vmlinux', name: each, sympos: 0 }));
  const file = path.join(folder, `${name}.ko`);
  const request = { path: file, module: name as ModuleName, functions, replace: false, mayShadow: [], replaces: [] };
  return { do: 'load', request, parameters: [`funcs=${names.map((each) => `vmlinux:${each}`).join(',')}`, parameter] };
}

const unload = (name: string): Step => ({ do: 'unload', module: name as ModuleName });
const reasons = (answers: readonly Answer[]): string[] => answers.map((answer) => answer.error?.reason ?? 'ok');

test.each([
  ['kprobe', 'a kprobe with a post_handler'],
  ['direct', 'a direct call of ftrace to klp_holder_tramp'],
])('a function that a %s holds is told before the load, and why the load is refused', async (how, by) => {
  await machine.run(`insmod ${folder}/klp_holder.ko ${how}=version_proc_show`);
  const [seen, first, other] = await drive([
    { do: 'obstacles' },
    load('klp_p01', ['version_proc_show']),
    load('klp_p02', ['cmdline_proc_show']),
  ]);
  await machine.run('rmmod klp_holder');
  expect(seen?.value).toEqual([
    { kind: 'function-held', at: 'vmlinux:version_proc_show', by: expect.stringContaining(by) },
  ] as unknown);
  expect(first?.error).toMatchObject({ reason: 'function-held', fields: { errno: 16 } });
  expect(first?.error?.message).toContain(by);
  expect(other?.error).toBeUndefined();
  // The livepatch that is loaded is nobody else.
  const after = await drive([
    { do: 'obstacles' },
    load('klp_p01', ['version_proc_show']),
    unload('klp_p01'),
    unload('klp_p02'),
  ]);
  expect([after[0]?.value, ...reasons(after)]).toEqual([[], 'ok', 'ok', 'ok', 'ok']);
});

test('with ftrace switched off nothing can be loaded, and that is what is told', async () => {
  await machine.run('sysctl -q kernel.ftrace_enabled=0');
  const answers = await drive([{ do: 'obstacles' }, load('klp_p01', ['version_proc_show'])]);
  await machine.run('sysctl -q kernel.ftrace_enabled=1');
  expect(answers[0]?.value).toEqual([{ kind: 'ftrace-disabled', at: '', by: '' }]);
  expect(answers[1]?.error).toMatchObject({ reason: 'ftrace-disabled', fields: { errno: 16 } });
  expect(reasons(await drive([load('klp_p01', ['version_proc_show']), unload('klp_p01')]))).toEqual(['ok', 'ok']);
});

test('while another livepatch switches, it is that', async () => {
  expect(reasons(await drive([load('klp_p01', ['version_proc_show'])]))).toEqual(['ok']);
  await machine.run(
    `echo 1 >/sys/module/klp_p01/parameters/hold; setsid cat /proc/version >/dev/null 2>&1 </dev/null &
     until grep -q klp_test_show /proc/[0-9]*/stack 2>/dev/null; do sleep 0.1; done
     echo 0 >/sys/kernel/livepatch/klp_p01/enabled`,
  );
  const [busy] = await drive([load('klp_p02', ['cmdline_proc_show'])]);
  await machine.run(
    'echo 0 >/sys/module/klp_p01/parameters/hold; while [ -e /sys/kernel/livepatch/klp_p01 ]; do sleep 0.1; done',
  );
  expect(busy?.error).toMatchObject({ reason: 'transition-busy', fields: { errno: 16 } });
  expect(busy?.error?.message).toContain('klp_p01 is in transition');
});

test.each([
  ['unknown-symbol', 'klp_p04', 'version_proc_show', '', /Unknown symbol seq_prinff/],
  ['wrong-kernel', 'klp_p05', 'version_proc_show', '', /was built for kernel 7\./],
  ['unknown-function', 'klp_p01', 'no_such_function', '', /no_such_function/],
  ['no-memory', 'klp_p01', 'version_proc_show', 'init_ret=-12', /out of memory/],
  ['signature-required', 'klp_p01', 'version_proc_show', 'init_ret=-126', /unknown key/],
  [
    'callback-refused',
    'klp_p01',
    'version_proc_show',
    'pre_patch_ret=-76',
    /error 76.*callback of the livepatch itself/,
  ],
])('%s: %s on %s %s', async (reason, module, fn, parameter, message) => {
  const [answer] = await drive([load(module, [fn], parameter)]);
  expect(answer?.error).toMatchObject({ reason, message: expect.stringMatching(message) });
  expect(await machine.run('lsmod | grep -c ^klp_ || true')).toBe('0\n');
});

test('a module is shown to the kernel once: no second try uses a grant up, or reports another error', async () => {
  const failures = "dmesg | grep -c 'pre-patch callback failed for object' || true";
  const before = Number(await machine.run(failures));
  const answers = await drive([load('klp_p01', ['version_proc_show'], 'pre_patch_ret=-71')]);
  expect(reasons(answers)).toEqual(['callback-refused']);
  expect(Number(await machine.run(failures))).toBe(before + 1);
});

test('a load that takes longer than it may is looked at, and not called failed', async () => {
  // Read by nobody here.
  const pattern = '^(acpi|pci|dma|ext4|virtio|tty|rtc|power|device|bus)_.*_show$';
  const list = await machine.run(
    `grep -E '${pattern}' /sys/kernel/debug/tracing/available_filter_functions | sort | uniq -u`,
  );
  const many = list.trim().split('\n').slice(0, 100);
  const [early] = await drive([load('klp_p01', many)], { loadLimitMs: 1 });
  expect(early?.error).toMatchObject({
    reason: 'load-under-way',
    message: expect.stringMatching(
      /takes longer than 1 ms, and the kernel (?:is still at it|has not begun): nothing failed/,
    ),
  });
  await machine.run(
    'until [ -e /sys/kernel/livepatch/klp_p01/vmlinux ] && ! grep -q "klp_p01.*Loading" /proc/modules; do sleep 0.1; done',
  );
  const [settled, seen, estimate] = await drive([
    { do: 'settle', module: 'klp_p01' as ModuleName },
    { do: 'observe' },
    { do: 'estimate', lookups: many.length },
  ]);
  expect([settled?.error, seen?.value]).toMatchObject([undefined, [{ module: 'klp_p01', enabled: true }]]);
  expect(estimate?.value).toMatchObject({ lookups: many.length, expectedMs: expect.any(Number) });
});

/** Where semop() sleeps; nobody but the sleeper calls it here. */
async function sleepInSemop(): Promise<string> {
  const filter = "grep -E '^(__)?do_semtimedop$' /sys/kernel/debug/tracing/available_filter_functions | head -1";
  const fn = (await machine.run(filter)).trim();
  const sleeper = 'my $s = semget(0, 1, 0600); my $ok = semop($s, pack("s3", 0, -1, 0)); print $ok ? "woken" : $! + 0';
  await machine.run(
    `rm -f /run/slept; (setsid perl -e '${sleeper}' >/run/slept 2>&1 </dev/null &)
     until grep -q ${fn} /proc/[0-9]*/stack 2>/dev/null; do sleep 0.1; done`,
  );
  return fn;
}
const slept = async (): Promise<string> => machine.run('cat /run/slept');

test('a transition is taken back before the kernel interrupts a sleeper, unless that is allowed', async () => {
  const step = load('klp_p01', [await sleepInSemop()]);
  if (step.do !== 'load') throw new Error('no load');
  const [spared] = await drive([step]);
  expect(spared?.error).toMatchObject({ reason: 'transition-timeout', fields: { reversed: true } });
  expect(spared?.error?.message).toMatch(/did not end within 12000 ms/);
  expect(await slept()).toBe('');
  const [allowed] = await drive([{ ...step, request: { ...step.request, mayInterrupt: true } }]);
  expect(allowed?.error).toBeUndefined();
  await machine.run('until [ -s /run/slept ]; do sleep 0.1; done');
  // EINTR
  expect(await slept()).toBe('4');
  expect(reasons(await drive([unload('klp_p01')]))).toEqual(['ok']);
});

// For good: until the machine boots again.
test('where modules are switched off, that is told before and at the load', async () => {
  await machine.run('sysctl -q kernel.modules_disabled=1');
  const answers = await drive([{ do: 'obstacles' }, load('klp_p01', ['version_proc_show'])]);
  expect(answers[0]?.value).toEqual([{ kind: 'modules-disabled', at: '', by: '' }]);
  expect(answers[1]?.error).toMatchObject({ reason: 'modules-disabled', fields: { errno: 1 } });
});
