// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { objtoolStep, parseCmdFile } from '@lockstep/domain/source-patch';
import {
  buildKernel,
  compilePatch,
  defaultCacheDirectory,
  findKernelSource,
  openKernelBuild,
  registerKernelBuild,
  type BuiltKernel,
  type KernelBuild,
  type ObjectPair,
} from '../index';
import { runCommand } from '../processes/run-command';
import { sourceIdentity } from '../sources/source-identity';
import { copyBuild } from '../builds/copy-build';
import { StagedTree } from '../builds/staged-tree';

/** One object in so many is replayed, and every module: some forty from all over the kernel. */
const sampleEvery = 40;
const buildTimeoutMs = 45 * 60_000;
const cacheDir = defaultCacheDirectory();
const root = resolve(__dirname, '../../../..');

let built: BuiltKernel;
let kernel: KernelBuild;

async function build(): Promise<BuiltKernel> {
  return buildKernel({
    source: await findKernelSource(process.env['LOCKSTEP_KERNEL_SRC']),
    // The one kernel that everything boots (testing/qemu-machine), so that it is built once.
    configFragments: ['base', 'selftests'].map((name) => join(root, `kernel-livepatch/qemu/config/${name}.config`)),
    seriesFor: (version) => ({
      seriesDir: join(root, `kernel-livepatch/linux-${version}`),
      filesDir: join(root, 'kernel-livepatch/files'),
    }),
    cacheDir,
  });
}

describe('a real kernel', () => {
  beforeAll(async () => {
    built = await build();
    kernel = await registerKernelBuild({ path: built.treeDir, cacheDir });
  }, buildTimeoutMs);

  test('is found again, built and registered', async () => {
    expect(await build()).toEqual(built);
    expect((await registerKernelBuild({ path: built.treeDir, cacheDir })).registeredAtMs).toBe(kernel.registeredAtMs);
    expect((await openKernelBuild(cacheDir, kernel.id)).index).toEqual(kernel.index);
  });

  test("is named by its linker's build-id", async () => {
    const { output } = await runCommand('readelf', ['-n', join(built.treeDir, 'vmlinux')]);
    expect(output).toContain(`Build ID: ${kernel.id}`);
  });

  test('replaying a saved command gives the very bytes that kbuild made', async () => {
    const linked = kernel.index.objects.filter(({ object }) => object !== null);
    const sample = linked.filter(({ object }, index) => index % sampleEvery === 0 || object !== 'vmlinux');
    const differing: string[] = [];
    await using staged = await StagedTree.lease(kernel.dir, kernel.treeDir);
    for (const { path, object } of sample) {
      const cmdFile = join(kernel.treeDir, dirname(path), `.${basename(path)}.cmd`);
      const saved = parseCmdFile(await readFile(cmdFile, 'latin1'))!;
      const kbuilds = await readFile(join(kernel.treeDir, path));
      const hasOrcData = kbuilds.includes('.orc_unwind\0');
      const command = saved.command + objtoolStep(saved, kernel, { isModule: object !== 'vmlinux', hasOrcData });
      await runCommand('sh', ['-e', '-c', command], { cwd: staged.dir });
      if (!kbuilds.equals(await readFile(join(staged.dir, path)))) differing.push(path);
    }
    expect(sample.length).toBeGreaterThan(30);
    expect(differing).toEqual([]);
  }, 1_800_000);

  test('the example diffs change the objects they should, and nothing of the tree', async () => {
    const objects = async (name: string): Promise<string[]> => {
      const diff = await readFile(join(root, `examples/linux-${built.version}/${name}.patch`));
      const show = async (pair: ObjectPair): Promise<string> => Promise.resolve(`${pair.object}:${pair.objectPath}`);
      return (await compilePatch({ kernel, diff }, show)).results;
    };
    const before = await sourceIdentity(built.treeDir, cacheDir);
    expect(await objects('a')).toEqual(['cmdline', 'meminfo', 'version'].map((name) => `vmlinux:fs/proc/${name}.o`));
    expect(await objects('b')).toEqual(['loadavg', 'meminfo'].map((name) => `vmlinux:fs/proc/${name}.o`));
    expect(await sourceIdentity(built.treeDir, cacheDir)).toBe(before);
  }, 900_000);

  test('a struct whose members changed places after the build is refused, whenever it was registered', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lockstep-swapped-'));
    try {
      const tree = join(dir, 'linux');
      await copyBuild(built.treeDir, tree);
      const header = 'include/uapi/linux/sysinfo.h';
      const text = await readFile(join(tree, header), 'utf8');
      const swapped = text
        .replace('totalram;', 'other;')
        .replace('freeram;', 'totalram;')
        .replace('other;', 'freeram;');
      expect(swapped).not.toBe(text);
      // It is a link to the built tree's own.
      await rm(join(tree, header));
      await writeFile(join(tree, header), swapped);
      const other = await registerKernelBuild({ path: tree, cacheDir: join(dir, 'cache') });
      const diff = await readFile(join(root, `examples/linux-${built.version}/a.patch`));
      await expect(compilePatch({ kernel: other, diff }, async () => Promise.resolve())).rejects.toMatchObject({
        reason: 'kernel-build-changed',
        fields: { file: header },
      });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }, 600_000);
});
