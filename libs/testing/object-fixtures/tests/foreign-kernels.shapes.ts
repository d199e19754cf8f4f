// SPDX-License-Identifier: GPL-2.0-only
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildTestKernel, kernelTestSetupMs, repositoryRoot } from '@lockstep/testing/qemu-machine';
import { buildKernel, findKernelSource, registerKernelBuild, type BuiltKernel } from '@lockstep/io/kernel-builder';

// Trees that are not those of the kernel that runs, and kernels whose code another build would not make again. Numbers are
// those of docs/patch-shapes.md.

let built: BuiltKernel;
let dir: string;

/** A tree that is the built one but for its configuration. */
async function treeWithOptions(name: string, ...options: readonly string[]): Promise<string> {
  const tree = join(dir, name);
  await rm(tree, { recursive: true, force: true });
  await writeFile(join(dir, 'config'), await readFile(join(built.treeDir, '.config')));
  await appendFile(join(dir, 'config'), options.map((option) => `CONFIG_${option}=y\n`).join(''));
  await mkdir(tree);
  for (const entry of await readdir(built.treeDir)) {
    await symlink(entry === '.config' ? join(dir, 'config') : join(built.treeDir, entry), join(tree, entry));
  }
  return tree;
}

const register = async (path: string, vmlinuxFile?: string): Promise<unknown> =>
  registerKernelBuild({ path, vmlinuxFile, cacheDir: join(dir, 'cache') });

describe('kernels that no patch is built for', () => {
  beforeAll(async () => {
    built = await buildTestKernel();
    dir = await mkdtemp(join(tmpdir(), 'lockstep-foreign-'));
  }, kernelTestSetupMs);

  afterAll(async () => rm(dir, { recursive: true, force: true }));

  describe('3: source, config or compiler that are not the running kernel’s', () => {
    test('a vmlinux that another compiler made', async () => {
      const vmlinux = await readFile(join(built.treeDir, 'vmlinux'), 'latin1');
      const banner = /Linux version [^(]*\([^)]*\) \((gcc[^,]*) (\d+)\.(\d+)\.(\d+)/.exec(vmlinux);
      const [named = '', , major = '', minor = '', patch = ''] = banner ?? [];
      const other = named.replace(
        new RegExp(`${major}\\.${minor}\\.${patch}$`),
        `${major}.${minor}.${9 - Number(patch)}`,
      );
      expect(other).not.toBe(named);
      const file = join(dir, 'vmlinux-other');
      await writeFile(file, vmlinux.replace(named, other), 'latin1');
      await expect(register(built.treeDir, file)).rejects.toMatchObject({ reason: 'compiler-differs' });
    }, 120_000);

    test(
      'a vmlinux of the same source without the patched core',
      async () => {
        const { treeDir } = await buildTestKernel('stock');
        await expect(register(built.treeDir, join(treeDir, 'vmlinux'))).rejects.toMatchObject({
          reason: expect.stringMatching(/^(?:source-differs|not-a-kernel-build)$/) as unknown,
          message: expect.stringMatching(
            /code of \w+ is another|is not in the running kernel|in the running kernel|release/,
          ) as unknown,
        });
      },
      kernelTestSetupMs,
    );

    test.each([
      ['an option that no Kconfig file has', 'LOCKSTEP_NONE', 'y'],
      ['one that needs another', 'KPROBES_SANITY_TEST', 'y'],
      ['a value out of its range', 'NR_CPUS', '77777'],
    ])(
      '%s is named when it is not granted',
      async (_, option, value) => {
        const fragment = join(dir, 'fragment');
        await writeFile(fragment, `CONFIG_${option}=${value}\n`);
        const given = ['base', 'selftests'].map((name) =>
          join(repositoryRoot, `kernel-livepatch/qemu/config/${name}.config`),
        );
        const building = buildKernel({
          source: await findKernelSource(process.env['LOCKSTEP_KERNEL_SRC']),
          configFragments: [...given, fragment],
          cacheDir: join(dir, 'kernels'),
        });
        await expect(building).rejects.toMatchObject({
          reason: 'options-dropped',
          message: expect.stringContaining(`${option}=${value}`) as unknown,
        });
      },
      600_000,
    );
  });

  test.each(['KASAN', 'KCSAN', 'GCOV_KERNEL', 'GCC_PLUGIN_LATENT_ENTROPY', 'GCC_PLUGIN_RANDSTRUCT'])(
    '5: %s is refused by name',
    async (option) => {
      await expect(register(await treeWithOptions(option.toLowerCase(), option))).rejects.toMatchObject({
        message: expect.stringContaining(option) as unknown,
      });
    },
    60_000,
  );
});
