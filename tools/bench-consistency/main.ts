// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { Command, Option } from 'commander';
import { buildLockstepKernel, QemuMachine, type KernelFlavour } from '@lockstep/testing/qemu-machine';
import { ProgressLine } from '../progress/progress-line';
import { buildSelftests } from '../test-kernel/selftest-modules';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { describeComparison, comparisonOf, type Comparison, type Pair } from './comparison';
import { figuresOf, readMeasurements, type Crowd, type Figures, type Row } from './figures';
import { KeptFigures } from './kept-figures';
import { describeRow, printTable } from './table';

const root = path.resolve(__dirname, '..');

/** Thousands of tasks that want to run leave little to the one that measures, and emulation is slow. */
const crowdTimeoutMs = 60 * 60_000;

interface Options {
  readonly kernel: '5.15' | '6.1';
  readonly src?: string;
  readonly image?: string;
  readonly modules?: string;
  readonly against?: string;
  readonly tasks: readonly string[];
  readonly running: readonly string[];
  readonly cpus: readonly string[];
  readonly rounds: string;
  readonly tries: string;
  readonly contextSwitches?: string;
  readonly results?: string;
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
      'how long all CPUs stand still while a livepatch is switched, and how long others wait: system against ' +
        'stop_machine, on an idle host',
    )
    .addOption(new Option('--kernel <version>', 'which kernel').choices(['5.15', '6.1']).default('6.1'))
    .option('--src <dir>', "kernel tree (5.15: LOCKSTEP_KERNEL_SRC; 6.1: Debian's linux-source-6.1)")
    .option('--image <file>', 'a kernel image that is built already, with --modules')
    .option('--modules <dir>', 'the selftests built for that image')
    .option('--against <dir>', "another checkout's kernel-livepatch, measured on the same kernel in the same run")
    .option('--tasks <number...>', 'how many tasks there are', ['100', '1000', '5000', '20000', '50000'])
    .option('--running <percent...>', 'how many of them want to run all the time', ['0', '5', '50', '100'])
    .option('--cpus <number...>', 'processors of the machine', ['2', '4'])
    .option('--rounds <number>', 'how often the livepatch is switched on and off in each mode', '50')
    .option('--tries <number>', 'seconds of transitions in each mode in which others are measured', '20')
    .option('--context-switches <boots>', 'count a context switch outside transitions on a stock kernel, too, instead')
    .option(
      '--results <file>',
      'where figures are kept as they come: those that are there already are not measured again',
    )
    .option('--json', 'print one JSON document at the end')
    .parse()
    .opts<Options>();
}

interface KernelChoice {
  readonly flavour?: KernelFlavour;
  readonly seriesRoot?: string | undefined;
}

async function buildFor(
  options: Options,
  modulesDir: string,
  progress: ProgressLine,
  choice: KernelChoice,
): Promise<Kernel> {
  const { kernel: version, src } = options;
  const source = src ?? (version === '5.15' ? process.env['LOCKSTEP_KERNEL_SRC'] : undefined);
  if (version === '5.15' && source === undefined) {
    throw new Error('5.15 needs a kernel tree: give it with --src or LOCKSTEP_KERNEL_SRC');
  }
  const built = await buildLockstepKernel({
    root,
    source,
    ...choice,
    onProgress: ({ stage, done, total }) => {
      progress.update(stage, done, total);
    },
  });
  if (built.version !== version) throw new Error(`the tree is Linux ${built.version}, not ${version}`);
  await buildSelftests(root, built, modulesDir);
  return { version, imageFile: built.imageFile, modulesDir };
}

async function findKernel(options: Options, dir: string, progress: ProgressLine): Promise<Kernel> {
  const { kernel: version, image, modules } = options;
  return image !== undefined && modules !== undefined
    ? { version, imageFile: path.resolve(image), modulesDir: path.resolve(modules) }
    : buildFor(options, path.join(dir, 'modules'), progress, {});
}

/** A machine of its own for each command: what the one before left behind must not count. */
async function runInMachine(
  kernel: Kernel,
  dir: string,
  { cpus, memoryMb, countInstructions = false }: { cpus: number; memoryMb: number; countInstructions?: boolean },
  command: string,
): Promise<string> {
  await using machine = await QemuMachine.create({
    name: 'bench',
    kernelImage: kernel.imageFile,
    initFile: path.join(root, 'kernel-livepatch/qemu/init'),
    dir: path.join(dir, 'machine'),
    accelerator: 'tcg',
    processors: cpus,
    memoryMb,
    countInstructions,
  });
  await machine.start();
  return await machine.run(command, crowdTimeoutMs);
}

/** Task by task a transition takes seconds among thousands that run, and only how long that is is asked. */
const perTaskRounds = 3;
const baseMemoryMb = 1024;
/** Stack and descriptor of a task in the kernel, and what it has in user space. */
const memoryPerTaskKb = 40;

async function measure(options: Options, kernel: Kernel, dir: string, crowd: Crowd): Promise<Figures> {
  const script = path.join(root, 'kernel-livepatch/selftests/bench-consistency.sh');
  const running = Math.round((crowd.tasks * crowd.runningPercent) / 100);
  const rounds = Number(options.rounds);
  const counts = [crowd.tasks, running, rounds, perTaskRounds, options.tries].join(' ');
  const memoryMb = baseMemoryMb + Math.ceil((crowd.tasks * memoryPerTaskKb) / 1024);
  const command = `bash '${script}' '${kernel.modulesDir}' ${counts}`;
  const figures = figuresOf(readMeasurements(await runInMachine(kernel, dir, { cpus: crowd.cpus, memoryMb }, command)));
  const expected = 4 * rounds + 2 * perTaskRounds;
  if (figures.transitions !== expected) throw new Error(`${figures.transitions} of ${expected} transitions were made`);
  return figures;
}

function crowdsOf({ tasks, running, cpus }: Options): Crowd[] {
  return cpus.flatMap((cpu) =>
    tasks.flatMap((task) =>
      running.map((percent) => ({ tasks: Number(task), runningPercent: Number(percent), cpus: Number(cpu) })),
    ),
  );
}

async function measureCrowds(options: Options, dir: string, progress: ProgressLine): Promise<number> {
  const kernel = await progress.run('Build the kernel', () => findKernel(options, dir, progress));
  const { against } = options;
  const other =
    against === undefined
      ? undefined
      : await progress.run('Build the kernel to compare with', () =>
          buildFor(options, path.join(dir, 'other-modules'), progress, { seriesRoot: path.resolve(against) }),
        );
  const kept = new KeptFigures(options.results);
  const figuresFor = (of: Kernel, crowd: Crowd): Promise<Figures> => {
    const what = { kernel: of.imageFile, ...crowd, rounds: Number(options.rounds), tries: Number(options.tries) };
    return kept.getOrMeasure(what, () => measure(options, of, dir, crowd));
  };
  const rows: Row[] = [];
  for (const crowd of crowdsOf(options)) {
    const title = `${crowd.tasks} tasks, ${crowd.runningPercent} % running, ${crowd.cpus} CPUs`;
    const work = async (): Promise<Row> => ({
      ...crowd,
      ...(await figuresFor(kernel, crowd)),
      baseline: other === undefined ? null : await figuresFor(other, crowd),
    });
    rows.push(await progress.run(title, work, describeRow));
  }
  if (options.json === true) console.log(JSON.stringify({ kernel: kernel.version, rows }, null, 2));
  else printTable(rows);
  return 0;
}

const switchesInBatch = 5000;

/** Boots the two kernels in turn. Time would tell nothing of so little, as busy as hosts are: instructions are counted. */
async function compareSwitches(options: Options, dir: string, progress: ProgressLine): Promise<number> {
  const ours = await progress.run('Build the kernel', () => findKernel(options, dir, progress));
  const stock = await progress.run('Build the stock kernel', () =>
    buildFor(options, path.join(dir, 'stock-modules'), progress, { flavour: 'stock' }),
  );
  const count = async (kernel: Kernel): Promise<number> => {
    const command = `'${kernel.modulesDir}/klp-latency' --switches ${switchesInBatch}`;
    return Number(await runInMachine(kernel, dir, { cpus: 1, memoryMb: 512, countInstructions: true }, command));
  };
  const pairs: Pair[] = [];
  for (let boot = 1; boot <= Number(options.contextSwitches); boot += 1) {
    const work = async (): Promise<Pair> => ({ ours: await count(ours), stock: await count(stock) });
    pairs.push(await progress.run(`Boot ${boot}`, work, (pair) => `${pair.ours} instructions, stock ${pair.stock}`));
  }
  const comparison: Comparison = comparisonOf(pairs);
  if (options.json === true) console.log(JSON.stringify({ kernel: ours.version, contextSwitch: comparison }, null, 2));
  else console.log(describeComparison(comparison));
  return 0;
}

async function main(options: Options): Promise<number> {
  const output = options.json === true ? process.stderr : process.stdout;
  using scratch = ScratchDirectory.create('bench-consistency');
  if (options.contextSwitches !== undefined) {
    return await compareSwitches(options, scratch.path, new ProgressLine(2 + Number(options.contextSwitches), output));
  }
  const kernels = options.against === undefined ? 1 : 2;
  return await measureCrowds(options, scratch.path, new ProgressLine(crowdsOf(options).length + kernels, output));
}

main(readOptions()).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
