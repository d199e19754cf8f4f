// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { QemuMachine, type KernelFlavour } from '@lockstep/testing/qemu-machine';
import { readTap, type TapResult } from './tap';

export const suiteNames = ['upstream', 'lockstep', 'upstream-debug', 'lockstep-debug'] as const;
export type SuiteName = (typeof suiteNames)[number];

export interface SuiteResult extends TapResult {
  readonly suite: SuiteName;
}

export const flavourOf = (suite: SuiteName): KernelFlavour => (suite.endsWith('-debug') ? 'debug' : 'plain');

/** Under emulation with every check on, the longest suite takes about a quarter of an hour. */
const suiteTimeoutMs = 50 * 60_000;

/** A debug kernel on a busy machine takes minutes to boot. */
const bootTimeoutMs = 10 * 60_000;

/** What a kernel prints when one of its own checks found something. */
const splat =
  /BUG:|WARNING:|INFO: (?:task|rcu|possible)|KASAN|possible recursive|unreferenced object|Oops|general protection/;

/** Builds the selftests' modules for `kernel` into `outDir`. */
async function buildSelftests(root: string, kernel: BuiltKernel, outDir: string): Promise<void> {
  const args = ['-s', '-C', path.join(root, 'kernel-livepatch/selftests'), `KDIR=${kernel.treeDir}`, `OUT=${outDir}`];
  const child = spawn('make', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`make ${args.join(' ')} ended with status ${String(status)}`);
}

/** The kernel's own test modules where modprobe looks for them. */
const installModules = (treeDir: string): string =>
  [
    'set -e',
    'dir=/lib/modules/$(uname -r)',
    'mkdir -p "$dir/kernel"',
    // modules.order names them as kernel/PATH.ko; to search the tree for them would take minutes under emulation.
    `while read -r file; do cp '${treeDir}'/"\${file#kernel/}" "$dir/kernel/"; done <'${treeDir}/modules.order'`,
    `cp '${treeDir}/modules.builtin' '${treeDir}/modules.order' "$dir/"`,
    'depmod',
  ].join('\n');

function command(suite: SuiteName, root: string, kernel: BuiltKernel, modulesDir: string): string {
  const selftests = path.join(root, 'kernel-livepatch/selftests');
  return suite.startsWith('upstream')
    ? `bash '${selftests}/upstream.sh' '${kernel.treeDir}/tools/testing/selftests/livepatch'`
    : `bash '${selftests}/run.sh' '${modulesDir}'`;
}

/** Boots `kernel` and runs one suite in it. A splat in the kernel's log is a failure of its own. */
export async function runSuite(suite: SuiteName, root: string, kernel: BuiltKernel): Promise<SuiteResult> {
  const dir = await mkdtemp(path.join(tmpdir(), `lockstep-${suite}-`));
  try {
    const modulesDir = path.join(dir, 'modules');
    if (suite.startsWith('lockstep')) await buildSelftests(root, kernel, modulesDir);
    await using machine = await QemuMachine.create({
      name: suite,
      kernelImage: kernel.imageFile,
      initFile: path.join(root, 'kernel-livepatch/qemu/init'),
      dir: path.join(dir, 'machine'),
      memoryMb: flavourOf(suite) === 'debug' ? 2048 : 1024,
    });
    await machine.start();
    await machine.run(installModules(kernel.treeDir), bootTimeoutMs);
    const { stdout, stderr } = await machine.exec(command(suite, root, kernel, modulesDir), suiteTimeoutMs);
    const { passed, failed } = readTap(stdout);
    const log = await machine.run('dmesg');
    const splats = log.split('\n').filter((line) => splat.test(line));
    const errors = failed.length > 0 && stderr !== '' ? [`stderr: ${stderr}`] : [];
    return { suite, passed, failed: [...failed, ...splats.map((line) => `kernel log: ${line}`), ...errors] };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
