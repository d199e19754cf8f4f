// SPDX-License-Identifier: GPL-2.0-only
// Compares as many objects of a distribution's kernel as fit in a time with what the distribution linked: objects, functions,
// how many are equal, and each difference.
import { Command, Option } from 'commander';
import { describeDifference, distributions, parseStockName } from '@lockstep/domain/vendor-kernel';
import {
  defaultCacheDirectory,
  ObjectCompiler,
  proveOriginals,
  registerStockKernel,
  type ProvedObject,
} from '@lockstep/io/kernel-builder';
import { ProgressLine } from '../progress/progress-line';

interface Options {
  readonly release: string;
  readonly distribution: string;
  readonly from?: string;
  readonly every: string;
  readonly minutes: string;
}

/** So many are given to one make: what it takes to start is spread over them. */
const batchSize = 24;

interface Failure {
  readonly objectPaths: readonly string[];
  readonly message: string;
}

async function prove(options: Options): Promise<object> {
  const name = parseStockName(options.distribution, options.release);
  const kernel = await registerStockKernel({ ...name, from: options.from, cacheDir: defaultCacheDirectory() });
  const all = ObjectCompiler.objectsOf(kernel);
  const chosen = all.filter((_, index) => index % Number(options.every) === 0);
  const progress = new ProgressLine(1, process.stderr);
  const started = performance.now();
  const proved: ProvedObject[] = [];
  const failed: Failure[] = [];
  for (let from = 0; from < chosen.length; from += batchSize) {
    if (performance.now() - started > Number(options.minutes) * 60_000) break;
    const batch = chosen.slice(from, from + batchSize);
    progress.update('compare', proved.length, chosen.length);
    try {
      proved.push(...(await proveOriginals(kernel, batch)));
    } catch (error) {
      failed.push({ objectPaths: batch.map(({ path }) => path), message: (error as Error).message });
    }
  }
  const sum = (count: (one: ProvedObject) => number): number => proved.reduce((total, one) => total + count(one), 0);
  return {
    kernel: kernel.release,
    objects: proved.length,
    ofObjects: all.length,
    functions: sum(({ proof }) => proof.functions),
    equal: sum(({ proof }) => proof.equal),
    overridden: sum(({ proof }) => proof.overridden.length),
    differing: proved
      .filter(({ proof }) => proof.differences.length > 0)
      .map(({ objectPath, object, proof }) => ({
        objectPath,
        object,
        differences: proof.differences.map(describeDifference),
      })),
    failed,
    seconds: (performance.now() - started) / 1000,
  };
}

const options = new Command('prove-kernel')
  .requiredOption('--release <release>', 'which kernel, as uname -r says it')
  .addOption(new Option('--distribution <name>', 'who built it').choices(distributions).default('debian'))
  .option('--from <dir>', 'its packages, unpacked there (default: fetched through apt)')
  .option('--every <n>', 'one object in so many', '1')
  .option('--minutes <n>', 'ends after that time', '120')
  .parse()
  .opts<Options>();
prove(options).then(
  (document) => {
    console.log(JSON.stringify(document, null, 2));
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
