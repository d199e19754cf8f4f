// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { buildLivepatch, keptBootImage, readKeptModule, type KernelBuild } from '@lockstep/io/kernel-builder';
import { initialRamDisk } from '../initial-ram-disk';
import { registerStockTestKernel, stockTestSetupMs } from '../stock-test-kernel';

// Debian's own cloud kernel, from its packages: patched and booted as it is. It has no 9p, so that the machine has nothing but
// an initial RAM disk.

const bootMs = 10 * 60_000;

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-stock-kernel-'));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

let kernel: KernelBuild;
beforeAll(async () => {
  kernel = await registerStockTestKernel();
}, stockTestSetupMs);

interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The memory total by another name, which vmlinux prints. */
const memTotal = (name: string): Edit => ({
  file: 'fs/proc/meminfo.c',
  from: '"MemTotal:       "',
  to: `"${name}:       "`,
});

const inModule: Edit = { file: 'crypto/af_alg.c', from: 'return -EPROTONOSUPPORT;', to: 'return -EPROTOTYPE;' };

function diffOf({ file, from, to }: Edit): string {
  const before = readFileSync(path.join(kernel.treeDir, file), 'latin1');
  expect(before).toContain(from);
  for (const [folder, text] of [
    ['a', before],
    ['b', before.replace(from, to)],
  ] as const)
    writeFileSync(path.join(dir, folder), text, 'latin1');
  // diff ends with 1 where it finds differences.
  const script = `diff -u --label a/${file} --label b/${file} a b || [ $? = 1 ]`;
  return execFileSync('sh', ['-c', script], { cwd: dir, encoding: 'latin1' });
}

async function livepatch(name: string, ...edits: readonly Edit[]): Promise<Uint8Array> {
  const diff = Buffer.from(edits.map(diffOf).join(''), 'latin1');
  const named = { moduleName: parseModuleName(name), patchId: parsePatchId('0'.repeat(64)), replace: false };
  return (await buildLivepatch({ kernel, diff, ...named })).bytes;
}

async function vendorModule(name: string): Promise<Uint8Array> {
  const kept = await readKeptModule(kernel.treeDir, name);
  if (kept === undefined) throw new Error(`the vendor ships no ${name}`);
  return kept.module;
}

/** What the machine tells of each line of the script. */
async function boot(files: ReadonlyMap<string, Uint8Array>, script: readonly string[]): Promise<string[]> {
  execFileSync('gcc', ['-static', '-O1', path.join(__dirname, '../ram-disk-init.c'), '-o', 'init'], { cwd: dir });
  const all = new Map<string, Uint8Array>([
    ['init', readFileSync(path.join(dir, 'init'))],
    ['script', Buffer.from(`${script.join('\n')}\n`)],
    ...files,
  ]);
  const disk = path.join(dir, 'initrd');
  writeFileSync(disk, initialRamDisk(all, ['proc', 'sys', 'dev']));
  const machine = ['-machine', 'q35', '-accel', 'tcg,thread=single', '-cpu', 'max', '-m', '512'];
  const child = spawn(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', ...machine, '-serial', 'stdio'],
      ...['-kernel', keptBootImage(kernel.treeDir), '-initrd', disk],
      ...['-append', 'console=ttyS0 panic=-1 quiet clocksource=hpet'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), bootMs);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return output
    .split(/\r?\n/)
    .filter((line) => line.startsWith('= '))
    .map((line) => line.slice(2));
}

describe("Debian's own kernel", () => {
  test(
    'runs livepatches of vmlinux, of a module (before it is loaded and while it is), and of both at once',
    async () => {
      const patches = new Map([
        ['core.ko', await livepatch('core', memTotal('MemTOTAL'))],
        ['late.ko', await livepatch('late', inModule)],
        ['both.ko', await livepatch('both', memTotal('MemBOTH'), inModule)],
      ]);
      const whole = ['vmlinux', 'af_alg'].map((object) => `/sys/kernel/livepatch/both/${object}/patched`);
      const shared = '/sys/kernel/livepatch/late/af_alg/patched';
      const told = await boot(new Map([...patches, ['af_alg.ko', await vendorModule('af_alg')]]), [
        'show /proc/sys/kernel/osrelease',
        ...['load /core.ko', 'settle core', 'show /proc/meminfo'],
        ...['load /late.ko', 'settle late', `show ${shared}`, 'load /af_alg.ko', `show ${shared}`],
        ...['write /sys/kernel/livepatch/late/enabled 0', 'settle late', 'unload late'],
        ...['load /late.ko', 'settle late', `show ${shared}`],
        ...['write /sys/kernel/livepatch/core/enabled 0', 'settle core', 'unload core', 'show /proc/meminfo'],
        ...['write /sys/kernel/livepatch/late/enabled 0', 'settle late', 'unload late'],
        ...['load /both.ko', 'settle both', ...whole.map((file) => `show ${file}`), 'show /proc/meminfo'],
        ...['write /sys/kernel/livepatch/both/enabled 0', 'settle both', 'unload both', 'show /proc/meminfo'],
      ]);
      expect(told).toEqual([
        `show /proc/sys/kernel/osrelease: ${kernel.release}`,
        ...['load /core.ko: ok', 'settle core: ok', expect.stringMatching(/^show \/proc\/meminfo: MemTOTAL: /)],
        ...['load /late.ko: ok', 'settle late: ok', `show ${shared}: 0`, 'load /af_alg.ko: ok', `show ${shared}: 1`],
        ...['write /sys/kernel/livepatch/late/enabled: ok', 'settle late: ok', 'unload late: ok'],
        ...['load /late.ko: ok', 'settle late: ok', `show ${shared}: 1`],
        ...['write /sys/kernel/livepatch/core/enabled: ok', 'settle core: ok', 'unload core: ok'],
        expect.stringMatching(/^show \/proc\/meminfo: MemTotal: /),
        ...['write /sys/kernel/livepatch/late/enabled: ok', 'settle late: ok', 'unload late: ok'],
        ...['load /both.ko: ok', 'settle both: ok', ...whole.map((file) => `show ${file}: 1`)],
        expect.stringMatching(/^show \/proc\/meminfo: MemBOTH: /),
        ...['write /sys/kernel/livepatch/both/enabled: ok', 'settle both: ok', 'unload both: ok'],
        expect.stringMatching(/^show \/proc\/meminfo: MemTotal: /),
        'end of script',
      ]);
    },
    stockTestSetupMs,
  );
});
