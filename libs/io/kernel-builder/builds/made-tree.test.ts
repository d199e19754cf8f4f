// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MadeTree } from './made-tree';
import type { KernelBuild } from './registered-kernel';

/** Asks the tools and the Kconfig file, as the kernel's own does, and tells what it was built with. */
const makefile = `KCONFIG_CONFIG ?= .config
olddefconfig:
	@echo "CONFIG_PAHOLE_VERSION=$$(cat ../../pahole)" >new
	@sed -n 's/^default/CONFIG/p' Kconfig >>new
	@grep -v -e PAHOLE -e NEW $(KCONFIG_CONFIG) >>new; mv new $(KCONFIG_CONFIG)
descend:
	@test -e b.o || { echo "No rule to make target 'b.o'" >&2; exit 2; }
	@cp .config built-with
`;

let dir = '';
let kernel: KernelBuild;
const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-made-'));
  await put('tree/Makefile', makefile);
  await put('tree/Kconfig', 'nothing\n');
  await put('tree/.config', 'CONFIG_PAHOLE_VERSION=124\nCONFIG_SMP=y\n');
  await put('tree/include/config/kernel.release', '6.1.0\n');
  await put('tree/b.c', 'int b;\n');
  await put('tree/b.o', 'built');
  const folders = { treeDir: join(dir, 'tree'), dir: join(dir, 'kernel') };
  const index = { objects: [{ path: 'b.o', source: 'b.c', object: 'vmlinux' }], readers: {} };
  kernel = { ...folders, release: '6.1.0', tools: { makeArguments: [] }, index } as unknown as KernelBuild;
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function make(pahole: string, files: Record<string, string | null>): Promise<string> {
  await put('pahole', pahole);
  await put('kernel/pahole', pahole);
  await using tree = await MadeTree.copy(kernel);
  await tree.change(new Map(Object.entries(files)));
  await tree.make({});
  return await readFile(join(tree.dir, 'built-with'), 'utf8');
}

const asBuilt = 'CONFIG_PAHOLE_VERSION=124\nCONFIG_SMP=y\n';

test('options that tell of the tools here change nothing: the kernel is made as it was', async () => {
  expect(await make('124', { 'a.c': 'x' })).toBe(asBuilt);
  expect(await make('0', { 'a.c': 'x' })).toBe(asBuilt);
  expect(await make('131', { Makefile: `${makefile}# a line\n` })).toBe(asBuilt);
});

test('an option of the diff is refused, with other tools too, and they are not named', async () => {
  for (const pahole of ['124', '131']) {
    await expect(make(pahole, { Kconfig: 'default_NEW=y\n' })).rejects.toMatchObject({
      reason: 'unsupported-change',
      message: expect.stringMatching(/configuration \(CONFIG_NEW=y\): it needs a new kernel build/),
    });
  }
});

test('the object of a source that the diff deletes is not taken for up to date', async () => {
  await expect(make('124', { 'b.c': null })).rejects.toMatchObject({
    reason: 'make-failed',
    message: expect.stringContaining("No rule to make target 'b.o'"),
  });
});
