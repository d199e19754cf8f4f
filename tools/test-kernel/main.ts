// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import type { BuiltKernel } from '@lockstep/io/kernel-builder';
import { buildLockstepKernel, type KernelFlavour } from '@lockstep/testing/qemu-machine';
import { wholeNumber } from '../command-options/whole-number';
import { ProgressLine } from '../progress/progress-line';
import { suiteNames, type SuiteName, type SuiteResult } from './suite-result';
import { flavourOf, runSuite } from './suites';
import { wholePatches } from './whole-patches';

const root = path.resolve(__dirname, '..');

interface Options {
  readonly kernel: '5.15' | '6.1';
  readonly src?: string;
  readonly suite: readonly SuiteName[];
  readonly against: readonly string[];
  readonly cpus: number;
  readonly boot: string;
  readonly oracleRounds: number;
  readonly cases: string;
  readonly report?: string;
  readonly export?: string;
  readonly json?: boolean;
}

function readOptions(): Options {
  const program = new Command('test:kernel')
    .description(
      "boot the patched kernel and run upstream's livepatch selftests and our own, also on a debug kernel; run what " +
        "loads livepatches on a stock kernel too; check the kernel code's style",
    )
    .addOption(new Option('--kernel <version>', 'which kernel').choices(['5.15', '6.1']).default('6.1'))
    .option('--src <dir>', "kernel tree (5.15: LOCKSTEP_KERNEL_SRC; 6.1: Debian's linux-source-6.1)")
    .addOption(new Option('--suite <name...>', 'only these').choices(suiteNames).default(suiteNames))
    .option('--against <tree...>', 'with style: does the series of its version apply to these folders and tarballs?')
    .option('--cpus <number>', 'processors of the machines', wholeNumber, 2)
    .option('--boot <arguments>', 'more for the command line of their kernels, as nohz_full=1', '')
    .option(
      '--oracle-rounds <number>',
      'how often consistency switches a livepatch on and off in a mode',
      wholeNumber,
      15,
    )
    .option(
      '--cases <pattern>',
      'of our own suites, only cases whose name matches: an extended regular expression',
      '.',
    )
    .option('--json', 'print one JSON document at the end')
    .option('--report <file>', 'write the counts to this file as JSON')
    .option(
      '--export <dir>',
      'instead, write the series there as a reviewer reads it: our files in the patches that need them',
    )
    .parse();
  const options = program.opts<Omit<Options, 'against'> & Partial<Pick<Options, 'against'>>>();
  const src = options.src ?? (options.kernel === '5.15' ? process.env['LOCKSTEP_KERNEL_SRC'] : undefined);
  if (options.kernel === '5.15' && src === undefined && options.export === undefined) {
    program.error('error: 5.15 needs a kernel tree: give it with --src or LOCKSTEP_KERNEL_SRC');
  }
  const against = options.against ?? [];
  return src === undefined ? { ...options, against } : { ...options, against, src };
}

function exportSeries(version: string, dir: string): number {
  mkdirSync(dir, { recursive: true });
  const patches = wholePatches(path.join(root, 'kernel-livepatch'), version);
  for (const { name, text } of patches) writeFileSync(path.join(dir, name), text);
  console.log(`${patches.length} patches in ${dir}`);
  return 0;
}

async function main({
  kernel: version,
  src,
  suite: suites,
  against,
  report,
  json = false,
  cpus,
  boot,
  oracleRounds,
  cases,
  export: exportDir,
}: Options): Promise<number> {
  if (exportDir !== undefined) return exportSeries(version, exportDir);
  const flavours = [...new Set(suites.map(flavourOf))];
  const progress = new ProgressLine(flavours.length + suites.length, json ? process.stderr : process.stdout);
  const kernels = new Map<KernelFlavour, BuiltKernel>();
  for (const flavour of flavours) {
    const kernel = await progress.run(`Build the ${flavour} kernel`, () =>
      buildLockstepKernel({
        root,
        flavour,
        source: src,
        onProgress: ({ stage, done, total }) => {
          progress.update(stage, done, total);
        },
      }),
    );
    if (kernel.version !== version) throw new Error(`the tree is Linux ${kernel.version}, not ${version}`);
    kernels.set(flavour, kernel);
  }
  const results: SuiteResult[] = [];
  const options = {
    cpus,
    bootArguments: boot.split(' ').filter((argument) => argument !== ''),
    oracleRounds,
    cases,
    against,
    onProgress: (done: number, planned: number) => {
      progress.update('cases', done, planned);
    },
  };
  for (const suite of suites) {
    const kernel = kernels.get(flavourOf(suite));
    if (kernel === undefined) continue;
    const run = (): Promise<SuiteResult> => runSuite(suite, root, kernel, src, options);
    results.push(await progress.run(`Run ${suite} on ${version}`, run, describe));
  }
  const count = (of: 'passed' | 'failed'): number => results.reduce((sum, result) => sum + result[of].length, 0);
  const counts = { passed: count('passed'), failed: count('failed') };
  if (report !== undefined) writeFileSync(report, JSON.stringify(counts));
  if (json) console.log(JSON.stringify({ kernel: version, ...counts, suites: results }, null, 2));
  else console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

function describe({ passed, failed, note }: SuiteResult): string {
  const counts = `${passed.length} passed, ${failed.length} failed${note === undefined ? '' : `; ${note}`}`;
  return [counts, ...failed.map((text) => `not ok: ${text}`)].join('\n');
}

main(readOptions()).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
