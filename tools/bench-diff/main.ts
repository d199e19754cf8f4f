// SPDX-License-Identifier: GPL-2.0-only
import { rm } from 'node:fs/promises';
import path from 'node:path';
import CliTable from 'cli-table3';
import { Command, Option } from 'commander';
import { defaultCacheDirectory, registerKernelBuild, type KernelBuild } from '@lockstep/io/kernel-builder';
import { buildLockstepKernel } from '@lockstep/testing/qemu-machine';
import { ProgressLine } from '../progress/progress-line';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { measureApart, measureHere } from './measure';
import { CreateDiffObject, type PeerResult } from './peer';
import { compileChanged, compileObjects, linkPair, type CompiledFile, type RelocatablePair } from './relocatables';

const root = path.resolve(__dirname, '..');
const wantedMegabytes = [4, 8, 17, 33];

interface Options {
  readonly kernel: '5.15' | '6.1';
  readonly src?: string;
  readonly tree?: string;
  readonly against?: string;
  readonly peerLimit: string;
  readonly json?: boolean;
}

interface Row {
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly warmSeconds: number;
  readonly rssBytes: number;
  readonly peerSeconds: number | null;
  /** Why there is no figure, or what the peer found where it is not what we found. */
  readonly peerRemark: string;
}

async function findTree({ tree, src, kernel }: Options, progress: ProgressLine): Promise<string> {
  if (tree !== undefined) return path.resolve(tree);
  const source = src ?? (kernel === '5.15' ? process.env['LOCKSTEP_KERNEL_SRC'] : undefined);
  if (kernel === '5.15' && source === undefined) {
    throw new Error('5.15 needs a kernel tree: give it with --src or LOCKSTEP_KERNEL_SRC');
  }
  const built = await buildLockstepKernel({
    root,
    source,
    onProgress: ({ stage, done, total }) => {
      progress.update(stage, done, total);
    },
  });
  if (built.version !== kernel) throw new Error(`the tree is Linux ${built.version}, not ${kernel}`);
  return built.treeDir;
}

interface Bench {
  readonly kernel: KernelBuild;
  readonly peer: { readonly program: CreateDiffObject; readonly limitSeconds: number } | undefined;
}

async function measureRow({ kernel, peer }: Bench, { original, patched, bytes }: RelocatablePair): Promise<Row> {
  const { changedFunctions, ...figures } = await measureApart(original, patched, kernel.facts.tables);
  if (changedFunctions.length !== 1) {
    throw new Error(`one function changed, these were found: ${changedFunctions.join(' ')}`);
  }
  const result = await peer?.program.compare(original, patched, peer.limitSeconds);
  return { bytes, ...figures, ...tellPeer(result, changedFunctions) };
}

async function measureLinked(
  bench: Bench,
  dir: string,
  objects: readonly CompiledFile[],
  changed: readonly [CompiledFile, CompiledFile],
  megabytes: number,
): Promise<Row> {
  const pair = await linkPair(dir, objects, changed, megabytes * 1_000_000);
  const row = await measureRow(bench, pair);
  await Promise.all([pair.original, pair.patched].map(async (file) => rm(file)));
  return row;
}

function tellPeer(result: PeerResult | undefined, ours: readonly string[]) {
  switch (result?.kind) {
    case undefined:
      return { peerSeconds: null, peerRemark: '' };
    case 'changed': {
      const theirs = [...result.changed, ...result.added];
      const same = theirs.join(' ') === ours.join(' ');
      return { peerSeconds: result.seconds, peerRemark: same ? '' : `found ${theirs.join(' ')}` };
    }
    case 'unchanged':
      return { peerSeconds: result.seconds, peerRemark: 'found no change' };
    case 'refused':
      return { peerSeconds: null, peerRemark: `gave up after ${result.seconds.toFixed(1)} s: ${result.message}` };
    case 'too-slow':
      return { peerSeconds: null, peerRemark: `not done after ${result.limitSeconds} s` };
  }
}

/** By what the time grows when the size doubles, from the first row to the last; 2 is linear. */
function growthFactor(rows: readonly Row[], of: (row: Row) => number): number | null {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  return 2 ** (Math.log(of(last) / of(first)) / Math.log(last.bytes / first.bytes));
}

async function main(options: Options): Promise<void> {
  const isJson = options.json === true;
  const progress = new ProgressLine(2 + wantedMegabytes.length, isJson ? process.stderr : process.stdout);
  using scratch = ScratchDirectory.create('bench-diff');
  const dir = scratch.path;
  const kernel = await progress.run('Find the kernel build', async () =>
    registerKernelBuild({ path: await findTree(options, progress), cacheDir: defaultCacheDirectory() }),
  );
  const objects = await progress.run('Compile its objects', async () =>
    compileObjects(kernel, dir, (done, total) => {
      progress.update('compile objects', done, total);
    }),
  );
  const changed = await compileChanged(kernel, dir);
  const { against } = options;
  const peer =
    against === undefined
      ? undefined
      : {
          program: await CreateDiffObject.forKernel(against, kernel, dir),
          limitSeconds: Number(options.peerLimit),
        };
  const bench = { kernel, peer };
  const [original, patched] = changed;
  const singleObject = await measureRow(bench, {
    original: original.path,
    patched: patched.path,
    bytes: original.bytes,
  });
  const rows: Row[] = [];
  for (const megabytes of wantedMegabytes) {
    rows.push(
      await progress.run(
        `Compare ${megabytes} MB`,
        async () => measureLinked(bench, dir, objects, changed, megabytes),
        ({ seconds, cpuSeconds, peerSeconds, peerRemark }) =>
          `${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} s CPU), peer ${peerSeconds?.toFixed(2) ?? 'none'} ${peerRemark}`,
      ),
    );
  }
  const growth = {
    growthWhenDoubled: growthFactor(rows, ({ seconds }) => seconds),
    warmGrowthWhenDoubled: growthFactor(rows, ({ warmSeconds }) => warmSeconds),
  };
  const document = { kernel: kernel.release, singleObject, rows, ...growth };
  console.log(isJson ? JSON.stringify(document, null, 2) : tableOf(document));
}

interface Results {
  readonly kernel: string;
  /** The changed object by itself, as patch builds compare it. */
  readonly singleObject: Row;
  readonly rows: readonly Row[];
  readonly growthWhenDoubled: number | null;
  readonly warmGrowthWhenDoubled: number | null;
}

function tableOf({ kernel, singleObject, rows, growthWhenDoubled, warmGrowthWhenDoubled }: Results): string {
  const table = new CliTable({
    head: ['size', 'new process', 'its CPU', 'running worker', 'memory', 'peer', 'times', 'in a worker', ''],
    style: { head: [], border: [] },
  });
  const mega = (bytes: number) => (bytes / 1_000_000).toFixed(1);
  for (const row of [singleObject, ...rows]) {
    const { bytes, seconds, cpuSeconds, warmSeconds, rssBytes, peerSeconds, peerRemark } = row;
    table.push([
      `${mega(bytes)} MB`,
      `${seconds.toFixed(3)} s`,
      `${cpuSeconds.toFixed(3)} s`,
      `${warmSeconds.toFixed(4)} s`,
      `${mega(rssBytes)} MB`,
      peerSeconds === null ? '' : `${peerSeconds.toFixed(3)} s`,
      peerSeconds === null ? '' : (peerSeconds / seconds).toFixed(1),
      peerSeconds === null ? '' : (peerSeconds / warmSeconds).toFixed(1),
      peerRemark,
    ]);
  }
  const factors = [growthWhenDoubled, warmGrowthWhenDoubled].map((factor) => factor?.toFixed(2) ?? '?');
  return [
    `Linux ${kernel}, one function changed`,
    table.toString(),
    `time when the size doubles: ${factors[0] ?? ''} times in a new process, ${factors[1] ?? ''} in a running worker`,
  ].join('\n');
}

const [first, ...rest] = process.argv.slice(2);
if (first === '--measure') {
  console.log(JSON.stringify(measureHere(rest)));
} else {
  const options = new Command('bench:diff')
    .description('time and memory of comparing large relocatables, beside create-diff-object where it is given')
    .addOption(new Option('--kernel <version>', 'which kernel').choices(['5.15', '6.1']).default('6.1'))
    .option('--src <dir>', "kernel source (5.15: LOCKSTEP_KERNEL_SRC; 6.1: Debian's linux-source-6.1)")
    .option('--tree <dir>', 'a finished kernel build to use as it is')
    .option('--against <file>', 'create-diff-object, to time on the same files in the same run')
    .option('--peer-limit <seconds>', 'when to give it up', '900')
    .option('--json', 'print one JSON document')
    .parse()
    .opts<Options>();
  main(options).catch((error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
