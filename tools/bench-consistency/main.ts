// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import CliTable from 'cli-table3';
import { Command, Option } from 'commander';
import { buildLockstepKernel, QemuMachine } from '@lockstep/testing/qemu-machine';
import { ProgressLine } from '../progress/progress-line';
import { buildSelftests } from '../test-kernel/selftest-modules';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { readTransitions, rowOf, type Row } from './figures';

const root = path.resolve(__dirname, '..');

/** Thousands of tasks that want to run leave little to the one that measures, and emulation is slow. */
const crowdTimeoutMs = 60 * 60_000;

interface Options {
  readonly kernel: '5.15' | '6.1';
  readonly src?: string;
  readonly image?: string;
  readonly modules?: string;
  readonly tasks: readonly string[];
  readonly running: readonly string[];
  readonly cpus: readonly string[];
  readonly rounds: string;
  readonly json?: boolean;
}

interface Kernel {
  readonly version: string;
  readonly imageFile: string;
  /** Where the selftests' modules and programs are. */
  readonly modulesDir: string;
}

function readOptions(): Options {
  return new Command('bench:consistency')
    .description(
      'how long all CPUs stand still while a livepatch is switched: system against stop_machine, on an idle host',
    )
    .addOption(new Option('--kernel <version>', 'which kernel').choices(['5.15', '6.1']).default('6.1'))
    .option('--src <dir>', "kernel tree (5.15: LOCKSTEP_KERNEL_SRC; 6.1: Debian's linux-source-6.1)")
    .option('--image <file>', 'a kernel image that is built already, with --modules')
    .option('--modules <dir>', 'the selftests built for that image')
    .option('--tasks <number...>', 'how many tasks there are', ['100', '1000', '5000'])
    .option('--running <percent...>', 'how many of them want to run all the time', ['0', '5', '50', '100'])
    .option('--cpus <number...>', 'processors of the machine', ['2', '4'])
    .option('--rounds <number>', 'how often the livepatch is switched on and off in each mode', '50')
    .option('--json', 'print one JSON document at the end')
    .parse()
    .opts<Options>();
}

async function findKernel(options: Options, dir: string, progress: ProgressLine): Promise<Kernel> {
  const { kernel: version, image, modules } = options;
  if (image !== undefined && modules !== undefined) {
    return { version, imageFile: path.resolve(image), modulesDir: path.resolve(modules) };
  }
  const source = options.src ?? (version === '5.15' ? process.env['LOCKSTEP_KERNEL_SRC'] : undefined);
  if (version === '5.15' && source === undefined) {
    throw new Error('5.15 needs a kernel tree: give it with --src or LOCKSTEP_KERNEL_SRC');
  }
  const built = await buildLockstepKernel({
    root,
    source,
    onProgress: ({ stage, done, total }) => {
      progress.update(stage, done, total);
    },
  });
  if (built.version !== version) throw new Error(`the tree is Linux ${built.version}, not ${version}`);
  const modulesDir = path.join(dir, 'modules');
  await buildSelftests(root, built, modulesDir);
  return { version, imageFile: built.imageFile, modulesDir };
}

type Crowd = Pick<Row, 'tasks' | 'runningPercent' | 'cpus'>;

/** Task by task a transition takes seconds among thousands that run, and only how long that is is asked. */
const perTaskRounds = 3;

/** A machine for each crowd: what the one before left behind must not count. */
async function measure(options: Options, kernel: Kernel, dir: string, crowd: Crowd): Promise<Row> {
  await using machine = await QemuMachine.create({
    name: 'bench',
    kernelImage: kernel.imageFile,
    initFile: path.join(root, 'kernel-livepatch/qemu/init'),
    dir: path.join(dir, `machine-${crowd.tasks}-${crowd.runningPercent}-${crowd.cpus}`),
    accelerator: 'tcg',
    processors: crowd.cpus,
    memoryMb: 1024,
  });
  await machine.start();
  const script = path.join(root, 'kernel-livepatch/selftests/bench-consistency.sh');
  const running = Math.round((crowd.tasks * crowd.runningPercent) / 100);
  const rounds = Number(options.rounds);
  const command = `bash '${script}' '${kernel.modulesDir}' ${crowd.tasks} ${running} ${rounds} ${perTaskRounds}`;
  const row = rowOf(crowd, readTransitions(await machine.run(command, crowdTimeoutMs)));
  const expected = 4 * rounds + 2 * perTaskRounds;
  if (row.transitions !== expected) throw new Error(`${row.transitions} of ${expected} transitions were made`);
  return row;
}

function crowdsOf({ tasks, running, cpus }: Options): Crowd[] {
  return cpus.flatMap((cpu) =>
    tasks.flatMap((task) =>
      running.map((percent) => ({ tasks: Number(task), runningPercent: Number(percent), cpus: Number(cpu) })),
    ),
  );
}

const micros = (ns: number | null): string => (ns === null ? '-' : (ns / 1000).toFixed(1));
const times = (ratio: number | null): string => (ratio === null ? '-' : ratio.toFixed(3));

const legend =
  'µs: median / p99 / max. median, p99: system / stop_machine. ms: median of system / stop_machine / per_task.';

const cellsOf = (row: Row) => ({
  system: [row.systemMedianNs, row.systemP99Ns, row.systemMaxNs].map(micros).join(' / '),
  stopMachine: [row.stopMachineMedianNs, row.stopMachineP99Ns, row.stopMachineMaxNs].map(micros).join(' / '),
  median: times(row.medianRatio),
  p99: times(row.p99Ratio),
  elapsed: [row.systemElapsedMs, row.stopMachineElapsedMs, row.perTaskElapsedMs].map((ms) => ms ?? '-').join(' / '),
});

/** Told at once: a run of an hour may be cut off. */
function describe(row: Row): string {
  const { system, stopMachine, median, p99, elapsed } = cellsOf(row);
  return `window ${system} µs against ${stopMachine} µs: ${median}, p99 ${p99}; done in ${elapsed} ms`;
}

function printTable(rows: readonly Row[]): void {
  const table = new CliTable({
    head: ['tasks', 'running', 'cpus', 'system µs', 'stop_machine µs', 'median', 'p99', 'done in ms'],
  });
  for (const row of rows) {
    const { system, stopMachine, median, p99, elapsed } = cellsOf(row);
    table.push([row.tasks, `${row.runningPercent} %`, row.cpus, system, stopMachine, median, p99, elapsed]);
  }
  console.log(table.toString());
  console.log(legend);
}

async function main(options: Options): Promise<number> {
  const crowds = crowdsOf(options);
  const progress = new ProgressLine(crowds.length + 1, options.json === true ? process.stderr : process.stdout);
  using scratch = ScratchDirectory.create('bench-consistency');
  const dir = scratch.path;
  const kernel = await progress.run('Build the kernel', () => findKernel(options, dir, progress));
  const rows: Row[] = [];
  for (const crowd of crowds) {
    const title = `${crowd.tasks} tasks, ${crowd.runningPercent} % running, ${crowd.cpus} CPUs`;
    rows.push(await progress.run(title, () => measure(options, kernel, dir, crowd), describe));
  }
  if (options.json === true) console.log(JSON.stringify({ kernel: kernel.version, rows }, null, 2));
  else printTable(rows);
  return 0;
}

main(readOptions()).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
