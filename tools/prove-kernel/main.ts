// SPDX-License-Identifier: GPL-2.0-only
// Compares as many objects of a distribution's kernel as fit in a time with what the distribution linked: objects, functions,
// how many are equal, and each difference. With --controls: whether a tree that is another in one thing is told. With --built:
// the objects of a finished build with its own vmlinux and modules.
import { Command, Option } from 'commander';
import { distributions, parseStockName } from '@lockstep/domain/vendor-kernel';
import {
  defaultCacheDirectory,
  ObjectCompiler,
  registerKernelBuild,
  registerStockKernel,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import { wholeNumber } from '../command-options/whole-number';
import { ProgressLine } from '../progress/progress-line';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { runControls, type Control } from './controls';
import { proveBuiltObjects, proveObjects, spread, summaryOf, type Failure, type ProofSummary } from './prove-objects';

interface Options {
  readonly release?: string;
  readonly built?: string;
  readonly distribution: string;
  readonly from?: string;
  readonly minutes: number;
  readonly controls?: boolean;
  readonly otherCompiler?: string;
}

interface Proof extends ProofSummary {
  readonly kernel: string;
  readonly ofObjects: number;
  /** Not compared. */
  readonly failed: readonly Failure[];
  readonly seconds: number;
}

/** Spread over the kernel, so that what fits into the time is a sample of all of it. */
async function prove(kernel: KernelBuild, { minutes }: Options, progress: ProgressLine): Promise<Proof> {
  const all = ObjectCompiler.objectsOf(kernel);
  const started = performance.now();
  const onProved = (done: number): void => {
    progress.update('compare', done, all.length);
  };
  const { proved, failed } = await proveObjects(kernel, spread(all), { minutes, onProved });
  const seconds = (performance.now() - started) / 1000;
  return { kernel: kernel.release, ofObjects: all.length, ...summaryOf(proved), failed, seconds };
}

async function proveBuilt(path: string, progress: ProgressLine): Promise<Proof> {
  const kernel = await registerKernelBuild({ path, cacheDir: defaultCacheDirectory() });
  const all = ObjectCompiler.objectsOf(kernel);
  const started = performance.now();
  const proved = await proveBuiltObjects(kernel, all, (done) => {
    progress.update('compare', done, all.length);
  });
  const seconds = (performance.now() - started) / 1000;
  return { kernel: kernel.release, ofObjects: all.length, ...summaryOf(proved), failed: [], seconds };
}

async function stockKernel({ distribution, release, from }: Options): Promise<KernelBuild> {
  if (release === undefined) throw new Error('say which kernel: --release RELEASE, or --built DIR');
  const name = parseStockName(distribution, release);
  return registerStockKernel({ ...name, from, cacheDir: defaultCacheDirectory() });
}

async function control(kernel: KernelBuild, options: Options, progress: ProgressLine): Promise<Control[]> {
  using scratch = ScratchDirectory.create('controls', defaultCacheDirectory());
  const onStart = (name: string): void => {
    progress.update(name, 0, 1);
  };
  return await runControls(kernel, { compiler: options.otherCompiler, dir: scratch.path, onStart });
}

async function main(options: Options): Promise<number> {
  const progress = new ProgressLine(1, process.stderr);
  if (options.built !== undefined) return tell(await proveBuilt(options.built, progress));
  const kernel = await stockKernel(options);
  if (options.controls === true) {
    const controls = await control(kernel, options, progress);
    console.log(JSON.stringify({ kernel: kernel.release, controls }, null, 2));
    return controls.every(({ caughtBy }) => caughtBy !== null) ? 0 : 1;
  }
  return tell(await prove(kernel, options, progress));
}

function tell(proof: Proof): number {
  console.log(JSON.stringify(proof, null, 2));
  return proof.unexplained === 0 && proof.failed.length === 0 ? 0 : 1;
}

const options = new Command('prove:kernel')
  .description(
    'compare the objects of a kernel, compiled here, with what its distribution linked; goes on where it ended',
  )
  .option('--release <release>', 'which kernel, as uname -r says it')
  .option('--built <dir>', 'instead: a finished build, compared with its own vmlinux and modules')
  .addOption(new Option('--distribution <name>', 'who built it').choices(distributions).default('debian'))
  .option('--from <dir>', 'its packages, unpacked there (default: fetched through apt)')
  .option(
    '--minutes <n>',
    'ends after that time: what was compared by then is spread over the kernel',
    wholeNumber,
    120,
  )
  .option('--controls', 'instead: change the tree in one thing after another, each of which must be told')
  .option('--other-compiler <name>', 'with --controls, a compiler that is not the one of the vendor (gcc-11)')
  .parse()
  .opts<Options>();
main(options).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
