// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import CliTable from 'cli-table3';
import { Command, Option } from 'commander';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { buildLockstepKernel, QemuMachine, type KernelFlavour } from '@lockstep/testing/qemu-machine';
import { ProgressLine } from '../progress/progress-line';
import { buildSelftests } from '../test-kernel/selftest-modules';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';

const root = path.resolve(__dirname, '..');
const flavours = ['stock', 'plain'] as const satisfies readonly KernelFlavour[];
/** Loading a hundred livepatches under emulation takes minutes. */
const timeoutMs = 30 * 60_000;

interface Options {
  readonly kernel: '5.15' | '6.1';
  readonly src?: string;
  readonly rounds: string;
  readonly json?: boolean;
}

/** Of one livepatch with 200 functions. */
interface LoadTimes {
  readonly loadNs: number;
  /** Up to when all its symbols are looked up: a load that fails there. */
  readonly lookupNs: number;
}

interface Report {
  readonly kernel: string;
  readonly functions: 200;
  readonly stock: LoadTimes;
  readonly patched: LoadTimes;
  /** Patched over stock: below 1 is faster. */
  readonly loadRatio: number;
  readonly lookupRatio: number;
  /** The conflict check alone, with this many other livepatches loaded. */
  readonly checks: readonly { readonly loadedPatches: number; readonly ns: number }[];
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

const medians = (rounds: readonly LoadTimes[]): LoadTimes => ({
  loadNs: median(rounds.map((round) => round.loadNs)),
  lookupNs: median(rounds.map((round) => round.lookupNs)),
});

/** A machine with its kernel's selftest modules, and nothing of ext4 in use. */
class BenchMachine implements AsyncDisposable {
  private constructor(
    private readonly machine: QemuMachine,
    private readonly modulesDir: string,
  ) {}

  static async start(kernel: BuiltKernel, dir: string): Promise<BenchMachine> {
    const modulesDir = path.join(dir, 'modules');
    await buildSelftests(root, kernel, modulesDir);
    const machine = await QemuMachine.create({
      name: 'bench',
      kernelImage: kernel.imageFile,
      initFile: path.join(root, 'kernel-livepatch/qemu/init'),
      dir: path.join(dir, 'machine'),
      memoryMb: 1024,
    });
    await machine.start();
    await machine.run('umount /var/lib/lockstep');
    return new BenchMachine(machine, modulesDir);
  }

  async numbers(what: 'load' | 'checks'): Promise<number[]> {
    const script = path.join(root, 'kernel-livepatch/selftests/bench.sh');
    return (await this.machine.run(`bash '${script}' '${this.modulesDir}' ${what}`, timeoutMs)).split(' ').map(Number);
  }

  async load(): Promise<LoadTimes> {
    const [loadNs = NaN, lookupNs = NaN] = await this.numbers('load');
    return { loadNs, lookupNs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}

async function measure(options: Options, progress: ProgressLine, dir: string): Promise<Report> {
  const rounds = Number(options.rounds);
  const kernels = new Map<(typeof flavours)[number], BuiltKernel>();
  for (const flavour of flavours) {
    const build = (): Promise<BuiltKernel> =>
      buildLockstepKernel({
        root,
        flavour,
        source: options.src,
        onProgress: ({ stage, done, total }) => {
          progress.update(stage, done, total);
        },
      });
    kernels.set(flavour, await progress.run(`Build the ${flavour} kernel`, build));
  }
  const start = async (flavour: (typeof flavours)[number]): Promise<BenchMachine> =>
    BenchMachine.start(kernels.get(flavour) as BuiltKernel, path.join(dir, flavour));
  await using stockMachine = await start('stock');
  await using patchedMachine = await start('plain');
  const stock: LoadTimes[] = [];
  const patched: LoadTimes[] = [];
  await progress.run(`Load it ${rounds} times on each`, async () => {
    // In turn, so that whatever else this computer does falls on both alike.
    for (let round = 1; round <= rounds; round += 1) {
      stock.push(await stockMachine.load());
      patched.push(await patchedMachine.load());
      progress.update('rounds', round, rounds);
    }
  });
  const checks = await progress.run('Time the conflict check', async () => patchedMachine.numbers('checks'));
  const times = { stock: medians(stock), patched: medians(patched) };
  return {
    kernel: options.kernel,
    functions: 200,
    ...times,
    loadRatio: times.patched.loadNs / times.stock.loadNs,
    lookupRatio: times.patched.lookupNs / times.stock.lookupNs,
    checks: [0, 10, 100].map((loadedPatches, index) => ({ loadedPatches, ns: checks[index] ?? NaN })),
  };
}

const ms = (ns: number): string => `${(ns / 1e6).toFixed(2)} ms`;

function table({ stock, patched, loadRatio, lookupRatio, checks }: Report): string {
  const rows = new CliTable({ head: ['200 functions', 'stock', 'patched core', 'ratio'], style: { head: [] } });
  rows.push(
    ['load', ms(stock.loadNs), ms(patched.loadNs), loadRatio.toFixed(2)],
    ['of it, looking up symbols', ms(stock.lookupNs), ms(patched.lookupNs), lookupRatio.toFixed(2)],
    ...checks.map(({ loadedPatches, ns }) => [`conflict check, ${loadedPatches} loaded`, '', ms(ns), '']),
  );
  return rows.toString();
}

async function main(options: Options): Promise<void> {
  using scratch = ScratchDirectory.create('bench-load');
  const progress = new ProgressLine(4, options.json === true ? process.stderr : process.stdout);
  const report = await measure(options, progress, scratch.path);
  console.log(options.json === true ? JSON.stringify(report, null, 2) : table(report));
}

const program = new Command('bench:load')
  .description('how long a livepatch of 200 functions takes to load on the patched core and on the stock one')
  .addOption(new Option('--kernel <version>', 'which kernel').choices(['5.15', '6.1']).default('6.1'))
  .option('--src <dir>', "kernel tree (5.15: LOCKSTEP_KERNEL_SRC; 6.1: Debian's linux-source-6.1)")
  .option('--rounds <n>', 'loads on each kernel', '5')
  .option('--json', 'print one JSON document')
  .parse();

const options = program.opts<Options>();
const src = options.src ?? (options.kernel === '5.15' ? process.env['LOCKSTEP_KERNEL_SRC'] : undefined);
if (options.kernel === '5.15' && src === undefined) {
  program.error('error: 5.15 needs a kernel tree: give it with --src or LOCKSTEP_KERNEL_SRC');
}
main(src === undefined ? options : { ...options, src }).catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
