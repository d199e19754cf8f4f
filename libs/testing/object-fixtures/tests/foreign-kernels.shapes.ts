// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseElf, readBuildId } from '@lockstep/domain/elf';
import { buildTestKernel, kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
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

const buildIdOf = (vmlinux: Uint8Array): string => readBuildId(parseElf(vmlinux, 'vmlinux')) ?? '';

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
    });

    test('a vmlinux of the same release, in which one function is another', async () => {
      const tree = join(built.treeDir, 'vmlinux');
      const vmlinux = await readFile(tree);
      const { symbols } = parseElf(vmlinux, 'vmlinux');
      const [fn = 0] = symbols.named('cmdline_proc_show');
      const sections = execFileSync('readelf', ['-W', '-S', tree], { encoding: 'utf8' });
      const [, address = '', offset = ''] = / \.text +PROGBITS +([0-9a-f]+) ([0-9a-f]+)/.exec(sections) ?? [];
      const text = BigInt(`0x${address}`);
      const at = Number((BigInt(symbols.addressHigh(fn)) << 32n) + BigInt(symbols.addressLow(fn)) - text);
      const start = parseInt(offset, 16) + at;
      // What ends the line: mov $'\\n',%esi.
      const newline = vmlinux.indexOf(Buffer.from([0xbe, 0x0a, 0, 0, 0]), start);
      expect(newline - start).toBeLessThan(symbols.sizeBytes(fn));
      vmlinux[newline + 1] = 0x20;
      const id = Buffer.from(buildIdOf(vmlinux), 'hex');
      vmlinux[vmlinux.indexOf(id)] = (id[0] ?? 0) ^ 1;
      const file = join(dir, 'vmlinux-changed');
      await writeFile(file, vmlinux);
      await expect(register(built.treeDir, file)).rejects.toMatchObject({
        reason: 'source-differs',
        message: expect.stringContaining('the code of cmdline_proc_show is another') as unknown,
      });
    });

    test('options that are not granted are named: unknown, without what they need, out of range', async () => {
      const asked = ['LOCKSTEP_NONE=y', 'DEBUG_INFO_BTF=y', 'NR_CPUS=77777'];
      const fragment = join(dir, 'fragment');
      await writeFile(fragment, asked.map((option) => `CONFIG_${option}\n`).join(''));
      const building = buildKernel({
        source: await findKernelSource(process.env['LOCKSTEP_KERNEL_SRC']),
        configFragments: [join(built.treeDir, '.config'), fragment],
        unnamedOptions: 'default',
        cacheDir: join(dir, 'kernels'),
      });
      const error: unknown = await building.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reason: 'options-dropped' });
      for (const option of asked) expect(String(error)).toContain(option);
    }, 600_000);
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
