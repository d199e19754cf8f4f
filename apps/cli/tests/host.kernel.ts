// SPDX-License-Identifier: GPL-2.0-only
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import {
  buildLivepatch,
  defaultCacheDirectory,
  registerKernelBuild,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import { exampleDiff, type Letter } from '@lockstep/testing/dev-fleet';
import {
  kernelTestSetupMs,
  repositoryRoot,
  startTestMachine,
  testKernelFlavour,
  type ExecResult,
  type QemuMachine,
  type TestMachine,
} from '@lockstep/testing/qemu-machine';
import { bundleScript } from '@lockstep/testing/script-bundle';

// `lockstep host` as it is shipped, inside a machine with the patched core or without it, on modules that Lockstep
// really builds and on one of the kernel's own.

jest.setTimeout(600_000);

const flavour = testKernelFlavour();
const patchedCore = flavour !== 'stock';
let bench: TestMachine;
let folder: string;
let machine: QemuMachine;
let kernel: KernelBuild;

/** Functions that the demo's letters stand for. */
const functionOf = { a: 'meminfo_proc_show', b: 'cmdline_proc_show', c: 'version_proc_show', d: 'loadavg_proc_show' };

async function buildModule(name: string, letters: readonly Letter[], mark: string): Promise<void> {
  const diff = Buffer.from(exampleDiff(kernel.release, letters, mark));
  const patchId = parsePatchId('ab'.repeat(32));
  const { bytes } = await buildLivepatch({ kernel, diff, moduleName: parseModuleName(name), patchId, replace: false });
  writeFileSync(path.join(folder, `${name}.ko`), bytes);
}

beforeAll(async () => {
  bench = await startTestMachine({ name: 'host', flavour });
  ({ machine, folder } = bench);
  const { treeDir } = bench.kernel;
  kernel = await registerKernelBuild({ path: treeDir, cacheDir: defaultCacheDirectory() });
  await buildModule('patch_a', ['a', 'b', 'c'], '1');
  await buildModule('patch_b', ['a', 'd'], '2');
  copyFileSync(path.join(treeDir, 'lib/livepatch/test_klp_livepatch.ko'), path.join(folder, 'upstream.ko'));
  await bundleScript({
    entry: path.join(repositoryRoot, 'apps/cli/main.ts'),
    outfile: path.join(folder, 'lockstep.js'),
  });
}, kernelTestSetupMs);

afterAll(() => bench[Symbol.asyncDispose]());

const host = (command: string): Promise<ExecResult> =>
  machine.exec(`cd ${folder} && node lockstep.js host ${command}`, 120_000);

/** Lines of progress come before what it says at the end, when the machine is slow. */
const succeeded = (stdout: RegExp) => ({ status: 0, stderr: '', stdout: expect.stringMatching(stdout) as unknown });

async function hostJson(command: string): Promise<unknown> {
  return JSON.parse((await host(`${command} --json`)).stdout);
}

const procFiles = async (): Promise<string> =>
  (await machine.run('cat /proc/meminfo /proc/cmdline /proc/version /proc/loadavg | grep -o "lockstep: .*"')).trim();

test('checks, loads, lists and unloads as the kernel sees it', async () => {
  expect(await host('check patch_a.ko')).toMatchObject({ status: 0 });
  expect(await host('load patch_a.ko')).toMatchObject(succeeded(/^patch_a is loaded\.\n$/m));

  const check = await host('check patch_b.ko');
  expect(check.stdout).toContain(`conflict: vmlinux:${functionOf.a} is owned by patch_a\n`);
  expect(check.stdout).toMatch(
    new RegExp(`torn: patch_a loses vmlinux:${functionOf.a} and still runs .*${functionOf.c}`),
  );
  expect(check.status).toBe(1);
  expect(await hostJson('check upstream.ko')).toMatchObject({
    module: 'test_klp_livepatch',
    replace: false,
    victims: ['patch_a'],
    conflicts: [{ function: { object: 'vmlinux', name: functionOf.b }, owners: ['patch_a'] }],
  });

  expect(await host('load patch_b.ko')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/--override patch_a\n$/),
  });
  expect(await host('load patch_b.ko --override patch_a')).toMatchObject({ status: 0 });
  expect(await procFiles()).toBe('lockstep: a2\nlockstep: b1\nlockstep: c1\nlockstep: d2');

  expect(await hostJson('ls')).toMatchObject({
    patches: [
      { module: 'patch_a', state: 'enabled', stackOrder: patchedCore ? 1 : null, shadowed: [{ by: 'patch_b' }] },
      { module: 'patch_b', state: 'enabled', stackOrder: patchedCore ? 2 : null, shadowed: [] },
    ],
  });
  expect(await hostJson('conflicts')).toEqual({
    source: patchedCore ? 'kernel' : 'sysfs',
    conflicts: [
      {
        function: { object: 'vmlinux', name: functionOf.a, sympos: 1 },
        owners: [{ module: 'patch_b' }, { module: 'patch_a' }],
      },
    ],
  });

  expect(await host('unload patch_c')).toMatchObject({ status: 1, stderr: expect.stringMatching(/patch_a, patch_b/) });
  expect(await host('unload patch_b')).toMatchObject(succeeded(/^patch_b is unloaded\.\n$/m));
  expect(await procFiles()).toBe('lockstep: a1\nlockstep: b1\nlockstep: c1');
  expect(await host('unload patch_a')).toMatchObject({ status: 0 });
  expect(await machine.run('ls /sys/kernel/livepatch; lsmod | grep patch_ || true')).not.toContain('patch_');
});

test("loads the kernel's own livepatch modules too", async () => {
  expect(await host('load upstream.ko')).toMatchObject({ status: 0 });
  expect(await hostJson('ls')).toMatchObject({ patches: [{ module: 'test_klp_livepatch', state: 'enabled' }] });
  expect(await host('unload test-klp-livepatch')).toMatchObject({ status: 0 });
});
