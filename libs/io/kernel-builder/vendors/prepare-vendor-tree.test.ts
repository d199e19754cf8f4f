// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { VendorKernel } from './find-vendor-kernel';
import { prepareVendorTree } from './prepare-vendor-tree';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-prepare-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const saltNote = (salt: string): string => `
__asm__(".pushsection .notes, \\"a\\", @note\\n.balign 4\\n.long 6, 2f - 1f, 0x100\\n.asciz \\"Linux\\"\\n"
        ".balign 4\\n1: .asciz \\"${salt}\\"\\n2: .balign 4\\n.popsection");`;

const banner = 'Linux version 6.1.0-50 (a@b) (gcc) #1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-07-02)';

/** A source whose build changes nothing, and a vmlinux that says with which salt it was built. */
function vendorKernel(name: string, config: string, salt: string | undefined): VendorKernel {
  const root = path.join(dir, name);
  mkdirSync(path.join(root, 'source/kernel/livepatch'), { recursive: true });
  writeFileSync(path.join(root, 'source/kernel/livepatch/core.c'), '');
  const version = 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 176\n';
  // Debian's writes into a header what make is told of its package, each time it is run.
  const packageId = 'echo "$(DISTRIBUTION_OFFICIAL_BUILD) $(DISTRIBUTOR) $(DISTRIBUTION_VERSION)" >package.h';
  // The kernel's own rule for all that is below tools/.
  const tools =
    'modules_prepare: tools/objtool tools/bpf/resolve_btfids\ntools/%: FORCE\n\t@touch $@/compiled\nFORCE:\n';
  for (const tool of ['objtool', 'bpf/resolve_btfids'])
    mkdirSync(path.join(root, 'source/tools', tool), { recursive: true });
  writeFileSync(
    path.join(root, 'source/Makefile'),
    `${version}olddefconfig modules_prepare:\n\t@${packageId}\n${tools}`,
  );
  writeFileSync(path.join(root, 'config'), config);
  writeFileSync(
    path.join(root, 'kernel.c'),
    `const char banner[] = "${banner}";${salt === undefined ? '' : saltNote(salt)}`,
  );
  const link = ['-nostdlib', '-static', '-Wl,-e,0', 'kernel.c', '-o', 'vmlinux'];
  execFileSync('gcc', link, { cwd: root, stdio: 'pipe' });
  const none = { symvers: undefined, modules: undefined, debugModules: undefined, image: undefined };
  const files = { source: path.join(root, 'source'), config: path.join(root, 'config') };
  return { distribution: 'given', release: '6.1.0-50', vmlinux: path.join(root, 'vmlinux'), ...files, ...none };
}

async function preparedConfig(name: string, config: string, salt: string | undefined): Promise<string> {
  const treeDir = path.join(dir, name, 'tree');
  await prepareVendorTree({ vendor: vendorKernel(name, config, salt), treeDir });
  return readFileSync(path.join(treeDir, '.config'), 'utf8');
}

describe('the salt of a build, which Debian takes out of the config that it ships', () => {
  test('comes from the kernel itself', async () => {
    expect(await preparedConfig('shipped', 'CONFIG_SMP=y\n', '6.1.0-50-cloud-amd64')).toBe(
      'CONFIG_SMP=y\nCONFIG_BUILD_SALT="6.1.0-50-cloud-amd64"\n',
    );
  });

  test.each([
    ['whole', 'CONFIG_BUILD_SALT="own"\n', 'own'],
    ['unsalted', 'CONFIG_SMP=y\n', ''],
    ['old', 'CONFIG_SMP=y\n', undefined],
  ])('leaves a config alone that says it, and that of a kernel without one: %s', async (name, config, salt) => {
    expect(await preparedConfig(name, config, salt)).toBe(config);
  });
});

test("the package that kernel code names is told to each make: nothing but the vendor's kernel knows it", async () => {
  const treeDir = path.join(dir, 'package', 'tree');
  const vendor = vendorKernel('package', 'CONFIG_SMP=y\n', undefined);
  const { makeArguments } = await prepareVendorTree({ vendor, treeDir });
  expect(makeArguments).toEqual(expect.arrayContaining(['DISTRIBUTOR=Debian', 'DISTRIBUTION_VERSION=6.1.176-1']));
  expect(readFileSync(path.join(treeDir, 'package.h'), 'utf8')).toBe('1 Debian 6.1.176-1\n');
});

test('of the tools none is compiled that works on what is linked, for nothing is', async () => {
  const treeDir = path.join(dir, 'tools', 'tree');
  await prepareVendorTree({ vendor: vendorKernel('tools', 'CONFIG_SMP=y\n', undefined), treeDir });
  const isCompiled = (tool: string): boolean => existsSync(path.join(treeDir, 'tools', tool, 'compiled'));
  expect([isCompiled('objtool'), isCompiled('bpf/resolve_btfids')]).toEqual([true, false]);
});

test.each([
  ['gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0', []],
  ['gcc-12 (Debian 12.2.0-14) 12.2.0', ['CC=gcc-12']],
  ['x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14) 12.2.0', ['CC=x86_64-linux-gnu-gcc-12']],
  ['Debian clang version 14.0.6', ['CC=clang-14']],
  ['clang version 16.0.6 (https://github.com/llvm/llvm-project)', ['CC=clang-16']],
])('make is told the compiler that the config names: %s', async (compiler, told) => {
  const name = `compiler-${told.join()}`;
  const vendor = vendorKernel(name, `CONFIG_CC_VERSION_TEXT="${compiler}"\n`, undefined);
  const { makeArguments } = await prepareVendorTree({ vendor, treeDir: path.join(dir, name, 'tree') });
  expect(makeArguments.filter((argument) => argument.startsWith('CC='))).toEqual(told);
});
