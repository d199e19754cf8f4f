// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { exampleDiff } from '@lockstep/testing/dev-fleet';
import { buildTestKernel, kernelTestSetupMs, repositoryRoot } from '@lockstep/testing/qemu-machine';
import { bundleScript } from '@lockstep/testing/script-bundle';

// `lockstep build` as it is shipped, on a real kernel's tree, as somebody would use it who has used kpatch-build.

jest.setTimeout(600_000);

let folder: string;
let treeDir: string;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[]): { ended: Promise<Ended>; said: (text: string) => Promise<void>; pid: number } {
  const child = spawn(process.execPath, [path.join(folder, 'lockstep.js'), 'build', ...args], { cwd: folder });
  const out: string[] = [];
  const errors: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => errors.push(String(chunk)));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      resolve({ code, stdout: out.join(''), stderr: errors.join('') });
    });
  });
  const said = async (text: string): Promise<void> => {
    while (child.exitCode === null && !out.join('').includes(text))
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return { ended, said, pid: child.pid ?? 0 };
}

const build = async (...args: string[]): Promise<Ended> => start(args).ended;
const cache = (name: string): string[] => ['--cache-dir', path.join(folder, name)];
const diffFile = (): string => path.join(folder, 'fix-proc.patch');

beforeAll(async () => {
  ({ treeDir } = await buildTestKernel());
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-build-'));
  const release = readFileSync(path.join(treeDir, 'include/config/kernel.release'), 'utf8');
  writeFileSync(diffFile(), exampleDiff(release, ['a', 'd'], '2'));
  await bundleScript({
    entry: path.join(repositoryRoot, 'apps/cli/main.ts'),
    outfile: path.join(folder, 'lockstep.js'),
  });
}, kernelTestSetupMs);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('builds the same bytes with any cache, in any folder; says what it made', async () => {
  const config = ['-c', path.join(treeDir, '.config'), '-v', path.join(treeDir, 'vmlinux')];
  const first = await build('-s', treeDir, ...config, diffFile(), '-n', 'fix', '-o', 'one', '--json', ...cache('c1'));
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const { module, functions } = JSON.parse(first.stdout) as { module: string; functions: { name: string }[] };
  expect(module).toBe(path.join(folder, 'one/fix.ko'));
  expect(functions.map(({ name }) => name)).toEqual(['loadavg_proc_show', 'meminfo_proc_show']);
  const second = await build('-s', treeDir, diffFile(), '-n', 'fix', '-o', 'two/deep', ...cache('c2/elsewhere'));
  expect(second.code).toBe(0);
  expect(readFileSync(path.join(folder, 'two/deep/fix.ko')).equals(readFileSync(module))).toBe(true);
  expect(execFileSync('modinfo', ['-F', 'livepatch', module], { encoding: 'utf8' })).toBe('Y\n');
});

test('refuses what does not belong together, and says what to do', async () => {
  const other = path.join(folder, 'other.config');
  writeFileSync(other, readFileSync(path.join(treeDir, '.config'), 'utf8').replace('CONFIG_PROC_FS=y', ''));
  const config = await build('-s', treeDir, '-c', other, diffFile(), '--json', ...cache('c1'));
  expect(config.code).toBe(1);
  expect(JSON.parse(config.stdout)).toMatchObject({
    error: { reason: 'config-differs', fields: { options: ['CONFIG_PROC_FS'] } },
  });
  const vmlinux = await build('-s', treeDir, '-v', process.execPath, diffFile(), ...cache('c1'));
  expect(vmlinux).toMatchObject({ code: 2 });
  expect(vmlinux.stderr).toContain('no kernel at all');
  expect((await build(diffFile())).code).toBe(2);
  expect((await build('-s', folder, diffFile())).stderr).toContain('not a kernel source tree');
  expect((await build('-s', treeDir, path.join(folder, 'none.patch'))).code).toBe(2);
});

test('Ctrl-C ends the compilers, leaves no module and no half-made state', async () => {
  const header = 'include/linux/seq_file.h';
  const lines = readFileSync(path.join(treeDir, header), 'latin1').split('\n');
  const at = lines.findIndex((line) => line.startsWith('#include'));
  const hunk = `@@ -${at + 1},1 +${at + 1},2 @@\n ${lines[at] ?? ''}\n+static inline int lockstep_unused(int x) { return x; }\n`;
  const big = path.join(folder, 'big.patch');
  writeFileSync(big, `--- a/${header}\n+++ b/${header}\n${hunk}`);
  const running = start(['-s', treeDir, big, '-o', 'big', ...cache('c1')]);
  await running.said('compile objects');
  process.kill(running.pid, 'SIGINT');
  expect(await running.ended).toMatchObject({ code: 130 });
  expect(existsSync(path.join(folder, 'big'))).toBe(false);
  // Whoever still works in the staged tree.
  const compilers = readdirSync('/proc').filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(path.join(folder, 'c1'));
    } catch {
      return false;
    }
  });
  expect(compilers).toEqual([]);
  const again = await build('-s', treeDir, diffFile(), '-n', 'fix', '-o', 'three', ...cache('c1'));
  expect(again.code).toBe(0);
  expect(readFileSync(path.join(folder, 'three/fix.ko')).equals(readFileSync(path.join(folder, 'one/fix.ko')))).toBe(
    true,
  );
});
