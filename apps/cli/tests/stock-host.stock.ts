// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { buildLivepatch, keptBootImage, type KernelBuild } from '@lockstep/io/kernel-builder';
import {
  makeStockRamDisk,
  QemuMachine,
  registerStockTestKernel,
  repositoryRoot,
  stockTestSetupMs,
  type ExecResult,
} from '@lockstep/testing/qemu-machine';
import { bundleScript } from '@lockstep/testing/script-bundle';

// What a distribution's own kernel does to those who load, and what `lockstep host` makes of it. Nothing here is made up: Debian's
// kernel and what sleeps in it.

jest.setTimeout(15 * 60_000);

const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-stock-host-'));
let kernel: KernelBuild;
let machine: QemuMachine;

const inFolder = (file: string): string => path.join(folder, file);

/** A livepatch of one source file that `change` changes. */
async function buildModule(name: string, file: string, change: (text: string) => string): Promise<void> {
  const before = readFileSync(path.join(kernel.treeDir, file), 'latin1');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(inFolder('a'), before, 'latin1');
  writeFileSync(inFolder('b'), after, 'latin1');
  // diff ends with 1 where it finds differences.
  const script = `diff -u --label a/${file} --label b/${file} a b || [ $? = 1 ]`;
  const diff = execFileSync('sh', ['-c', script], { cwd: folder });
  const patchId = parsePatchId('0'.repeat(64));
  const { bytes } = await buildLivepatch({ kernel, diff, moduleName: parseModuleName(name), patchId, replace: false });
  writeFileSync(inFolder(`${name}.ko`), bytes);
}

/** The module as another kernel's build would have made it. */
function asOf(name: string, change: (text: string) => string): void {
  const bytes = readFileSync(inFolder('memory.ko')).toString('latin1');
  writeFileSync(inFolder(`${name}.ko`), Buffer.from(change(bytes), 'latin1'));
}

const inBytes = (id: string): string => Buffer.from(id, 'hex').toString('latin1');

/** Code that does nothing and that no compiler leaves out. */
const nop = 'asm volatile("nop");\n';

const inManyFunctions =
  (count: number) =>
  (text: string): string => {
    let left = count;
    return text.replace(/^static (?:int|ssize_t) \w+\([^;{}]*\)\n\{\n/gm, (head) =>
      left-- > 0 ? `${head}\t${nop}` : head,
    );
  };

beforeAll(async () => {
  kernel = await registerStockTestKernel();
  await buildModule('memory', 'fs/proc/meminfo.c', (text) => text.replace('"MemTotal:       "', '"MemTOTAL:       "'));
  await buildModule('semaphores', 'ipc/sem.c', (text) =>
    text.replace('nsops < 1 || semid < 0', 'nsops < 1 || semid < -1'),
  );
  await buildModule('naps', 'kernel/time/hrtimer.c', (text) =>
    text.replace('\tif (likely(t->task))\n', `\t${nop}\t\tif (likely(t->task))\n`),
  );
  await buildModule('many', 'fs/proc/base.c', inManyFunctions(60));
  // Whose name may be the same, and whose build-id never is.
  const otherBuild = (text: string): string => text.replaceAll(inBytes(kernel.id), inBytes(`${kernel.id.slice(2)}00`));
  asOf('rebuilt', otherBuild);
  asOf('release', (text) => otherBuild(text).replaceAll(kernel.release, kernel.release.replace(/\d(?=-\D)/, '9')));
  await bundleScript({ entry: path.join(repositoryRoot, 'apps/cli/main.ts'), outfile: inFolder('lockstep.js') });
  const modules = ['memory', 'semaphores', 'naps', 'many', 'release', 'rebuilt'].map((name) => `${name}.ko`);
  const hostFiles = [...modules, 'lockstep.js'].map(inFolder);
  const ramDisk = inFolder('ram-disk');
  await makeStockRamDisk({ treeDir: kernel.treeDir, root: repositoryRoot, hostFiles, file: ramDisk });
  const kernelImage = keptBootImage(kernel.treeDir);
  machine = await QemuMachine.create({ name: 'stock', kernelImage, ramDisk, memoryMb: 768, dir: inFolder('machine') });
  await machine.start();
  await machine.waitReady();
}, stockTestSetupMs);

afterAll(() => machine[Symbol.asyncDispose]());
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const host = (command: string): Promise<ExecResult> =>
  machine.exec(`cd ${folder} && node lockstep.js host ${command}`, 10 * 60_000);

const memory = async (): Promise<string> => (await machine.run('grep -i memtotal /proc/meminfo')).split(':')[0] ?? '';

/** A program in semop(), on whose stack `within` is; where it is woken, /run/slept says how. */
async function sleepInSemop(): Promise<void> {
  const sleeper = 'my $s = semget(0, 1, 0600); print semop($s, pack("s3", 0, -1, 0)) ? "woken" : $! + 0';
  await machine.run(
    `rm -f /run/slept; perl -e '${sleeper}' >/run/slept 2>&1 </dev/null & echo $! >/run/sleeper
     until grep -q do_semtimedop /proc/$(cat /run/sleeper)/stack; do sleep 0.1; done`,
  );
}
const slept = async (): Promise<string> => machine.run('cat /run/slept');
const wake = async (): Promise<void> => {
  await machine.run('kill $(cat /run/sleeper) 2>/dev/null || true');
};

afterEach(async () => {
  await wake();
  await machine.run(
    `for on in /sys/kernel/livepatch/*/enabled; do [ ! -e $on ] || echo 0 >$on || true; done
     until ! ls -d /sys/kernel/livepatch/*/ >/dev/null 2>&1; do sleep 0.2; done
     for module in memory semaphores naps many release rebuilt; do rmmod $module; done 2>/dev/null || true`,
  );
});

test('a transition is taken back before the kernel interrupts a sleeper, unless that is allowed', async () => {
  await sleepInSemop();
  const spared = await host('load semaphores.ko');
  expect(spared).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/did not end within 12000 ms and was taken back/),
  });
  expect(spared.stderr).toContain('do_semtimedop');
  expect(await slept()).toBe('');
  expect(await host('load semaphores.ko --may-interrupt')).toMatchObject({ status: 0 });
  await machine.run('until [ -s /run/slept ]; do sleep 0.1; done');
  // EINTR
  expect(await slept()).toBe('4');
});

test("what sleeps in the scheduler's own code is told, though its stack does not show it", async () => {
  await machine.run('perl -e "sleep 100000" </dev/null >/dev/null 2>&1 & echo $! >/run/sleeper; sleep 1');
  expect(await machine.run('cat /proc/$(cat /run/sleeper)/stack')).not.toContain('do_nanosleep');
  const refused = await host('load naps.ko');
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/do_nanosleep.*scheduler's code/s) });
  expect(await host('load naps.ko --may-interrupt')).toMatchObject({ status: 0 });
});

test("the kernel takes another release's livepatch, and is not asked to", async () => {
  expect(await machine.exec(`insmod ${folder}/release.ko`, 120_000)).toMatchObject({ status: 0 });
  await machine.run(
    `echo 0 >/sys/kernel/livepatch/memory/enabled; until [ ! -e /sys/kernel/livepatch/memory ]; do sleep 0.2; done; rmmod memory`,
  );
  for (const module of ['release.ko', 'rebuilt.ko'])
    expect(await host(`load ${module}`)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/was built for kernel/),
    });
  expect(await memory()).toBe('MemTotal');
});

test('many functions in one module: how long that will take is told, and it is waited for', async () => {
  const { functions, estimate } = JSON.parse((await host('check many.ko --json')).stdout) as {
    readonly functions: readonly unknown[];
    readonly estimate: { readonly lookups: number; readonly expectedMs: number };
  };
  expect(functions.length).toBeGreaterThanOrEqual(32);
  expect(estimate.lookups).toBeGreaterThanOrEqual(functions.length);
  expect(estimate.expectedMs).toBeGreaterThan(0);
  const loaded = await host('load many.ko');
  expect(loaded).toMatchObject({ status: 0 });
});

// The last one: neither can be taken back before the next boot.
test('locked down, and where signatures are enforced, an unsigned module is told as that', async () => {
  await machine.run(
    `mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security
     echo integrity >/sys/kernel/security/lockdown`,
  );
  expect(await host('check memory.ko')).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/takes no unsigned module \(it is locked down: integrity\)/),
  });
  expect(await host('load memory.ko')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/error 1\)\. The kernel is locked down \(integrity\) and takes only signed modules/),
  });
  // From here on the kernel answers this as it answers a file that was changed after it was signed.
  await machine.run('echo 1 >/sys/module/module/parameters/sig_enforce');
  const rejected = await host('load memory.ko');
  expect(rejected).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/error 129\)\. The kernel takes only modules with a signature .* this one has none/),
  });
  expect(rejected.stderr).not.toContain('changed');
  expect(await memory()).toBe('MemTotal');
});
