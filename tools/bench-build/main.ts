// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import CliTable from 'cli-table3';
import { Command, Option } from 'commander';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import {
  buildLivepatch,
  defaultCacheDirectory,
  readPatch,
  registerKernelBuild,
  useSandbox,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import { buildLockstepKernel } from '@lockstep/testing/qemu-machine';
import { ProgressLine } from '../progress/progress-line';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { caseNames, patchOf, type CaseName } from './cases';
import { compilerAlone } from './compiler-alone';
import { Peer } from './peer';
import { median, timed } from './timing';
import { onWorkers, serveShares } from './workers';

const root = path.resolve(__dirname, '..');

interface Options {
  readonly kernel: '5.15' | '6.1';
  readonly src?: string;
  readonly tree?: string;
  readonly against?: string;
  readonly rounds: string;
  readonly case: readonly CaseName[];
  readonly json?: boolean;
}

interface CaseResult {
  readonly name: CaseName;
  readonly objects: number;
  readonly changedFunctions: number;
  readonly warmSeconds: number;
  /** The compiler alone on these objects. */
  readonly floorSeconds: number;
  readonly ratio: number;
  /** The same builds without a sandbox, in turn with the others. */
  readonly bareSeconds: number;
  /** What the sandbox adds to them, in per cent: the median of the rounds' own. */
  readonly sandboxPercent: number;
  readonly peerWarmSeconds: number | null;
}

const named = { moduleName: parseModuleName('bench'), patchId: parsePatchId('0'.repeat(64)) };

/** Floor, ours and the peer's in turn, so that whatever else the machine does falls on all alike. */
async function measure(
  name: CaseName,
  kernel: KernelBuild,
  peer: Peer | undefined,
  rounds: number,
): Promise<CaseResult> {
  const { treeDir } = kernel;
  const build = async (round: number) =>
    buildLivepatch({ kernel, diff: patchOf(treeDir, name, round), replace: false, ...named });
  const { objects, gates } = await readPatch(kernel, { diff: patchOf(treeDir, name, 0) });
  const paths = [...objects, ...gates].map((object) => object.path).filter((object) => object.endsWith('.o'));
  await build(0);
  const rows = { warm: [] as number[], bare: [] as number[], floor: [] as number[], peer: [] as number[] };
  let changedFunctions = 0;
  for (let round = 1; round <= rounds; round += 1) {
    rows.floor.push(
      await compilerAlone(
        treeDir,
        objects.map((object) => object.path),
      ),
    );
    const bare = async (): Promise<void> => {
      await useSandbox('none');
      rows.bare.push((await timed(async () => build(round))).seconds);
      await useSandbox('auto');
    };
    // Each is first every other time: what the first leaves in memory is the second's.
    if (round % 2 === 0) await bare();
    const { result, seconds } = await timed(async () => build(round));
    rows.warm.push(seconds);
    if (round % 2 === 1) await bare();
    changedFunctions = result.functions.length;
    if (peer !== undefined) rows.peer.push(await peer.build(patchOf(treeDir, name, round)));
  }
  const [warmSeconds, floorSeconds] = [median(rows.warm), median(rows.floor)];
  const peerWarmSeconds = peer === undefined ? null : median(rows.peer);
  const ratio = warmSeconds / floorSeconds;
  const times = { warmSeconds, bareSeconds: median(rows.bare), floorSeconds, ratio, peerWarmSeconds };
  const sandboxPercent = median(rows.warm.map((warm, index) => (warm / (rows.bare[index] ?? NaN) - 1) * 100));
  return { name, objects: paths.length, changedFunctions, ...times, sandboxPercent };
}

async function builtTree({ tree, src, against, kernel: version }: Options, progress: ProgressLine): Promise<string> {
  if (tree !== undefined) return path.resolve(tree);
  const source = src ?? (version === '5.15' ? process.env['LOCKSTEP_KERNEL_SRC'] : undefined);
  if (version === '5.15' && source === undefined)
    throw new Error('5.15 needs a kernel tree: --src or LOCKSTEP_KERNEL_SRC');
  const built = await progress.run('Build the kernel', async () =>
    buildLockstepKernel({
      root,
      source,
      moreConfig: against === undefined ? [] : [path.join(root, 'tools/bench-build/debug-info.config')],
      onProgress: ({ stage, done, total }) => {
        progress.update(stage, done, total);
      },
    }),
  );
  if (built.version !== version) throw new Error(`the tree is Linux ${built.version}, not ${version}`);
  return built.treeDir;
}

async function main(options: Options): Promise<void> {
  const progress = new ProgressLine(options.case.length + 4, options.json === true ? process.stderr : process.stdout);
  const treeDir = await builtTree(options, progress);
  // On the cache's own file system, where staged trees are links; new, so that nothing is known.
  using scratch = ScratchDirectory.create('bench', defaultCacheDirectory());
  const cacheDir = scratch.path;
  const added = await progress.run('Register it', async () =>
    timed(async () => registerKernelBuild({ path: treeDir, cacheDir })),
  );
  const kernel = added.result;
  const first = await progress.run('First patch', async () =>
    timed(async () => buildLivepatch({ kernel, diff: patchOf(treeDir, 'one-line', 0), replace: false, ...named })),
  );
  const peer =
    options.against === undefined
      ? undefined
      : await progress.run('Prepare the peer', async () =>
          Peer.prepare(
            options.against ?? '',
            treeDir,
            path.join(defaultCacheDirectory(), 'bench-peer', kernel.id),
            patchOf(treeDir, 'one-line', 0),
          ),
        );
  const cases: CaseResult[] = [];
  for (const name of options.case) {
    const rounds = name.startsWith('header') ? 1 : Number(options.rounds);
    cases.push(await progress.run(`Measure ${name}`, async () => measure(name, kernel, peer, rounds)));
  }
  const workers = options.case.includes('header-type') ? await measureWorkers(kernel, cacheDir) : null;
  const document = {
    kernel: kernel.release,
    addSeconds: added.seconds,
    firstSeconds: first.seconds,
    peerColdSeconds: peer?.coldSeconds ?? null,
    cases,
    ...workers,
  };
  console.log(options.json === true ? JSON.stringify(document, null, 2) : tableOf(document));
}

async function measureWorkers(kernel: KernelBuild, cacheDir: string) {
  const diff = patchOf(kernel.treeDir, 'header-type', 99);
  const { objects } = await readPatch(kernel, { diff });
  const shared = { kernel, cacheDir, diff, objectPaths: objects.map((object) => object.path), named };
  const oneWorkerSeconds = await onWorkers(1, shared);
  const twoWorkersSeconds = await onWorkers(2, shared);
  return { oneWorkerSeconds, twoWorkersSeconds, speedUp: oneWorkerSeconds / twoWorkersSeconds };
}

function tableOf({
  kernel,
  addSeconds,
  firstSeconds,
  cases,
  ...workers
}: {
  kernel: string;
  addSeconds: number;
  firstSeconds: number;
  cases: readonly CaseResult[];
  oneWorkerSeconds?: number;
  twoWorkersSeconds?: number;
  speedUp?: number;
}): string {
  const table = new CliTable({
    head: [
      'case',
      'objects',
      'functions',
      'warm',
      'compiler alone',
      'ratio',
      'no sandbox',
      'sandbox',
      'peer warm',
      'times',
    ],
    style: { head: [], border: [] },
  });
  for (const row of cases) {
    const { peerWarmSeconds: peer, warmSeconds } = row;
    table.push([
      row.name,
      row.objects,
      row.changedFunctions,
      `${warmSeconds.toFixed(2)} s`,
      `${row.floorSeconds.toFixed(2)} s`,
      row.ratio.toFixed(2),
      `${row.bareSeconds.toFixed(2)} s`,
      `${row.sandboxPercent >= 0 ? '+' : ''}${row.sandboxPercent.toFixed(1)} %`,
      peer === null ? '' : `${peer.toFixed(1)} s`,
      peer === null ? '' : (peer / warmSeconds).toFixed(1),
    ]);
  }
  const lines = [
    `Linux ${kernel}: registered in ${addSeconds.toFixed(1)} s, first patch ${firstSeconds.toFixed(2)} s`,
    table.toString(),
  ];
  const { oneWorkerSeconds: one, twoWorkersSeconds: two, speedUp } = workers;
  if (one !== undefined && two !== undefined && speedUp !== undefined) {
    lines.push(
      `header-type on one worker ${one.toFixed(1)} s, on two ${two.toFixed(1)} s: ${speedUp.toFixed(2)} times`,
    );
  }
  return lines.join('\n');
}

const [first, ...rest] = process.argv.slice(2);
if (first === '--serve') {
  serveShares(rest[0] ?? '', rest[1] ?? '');
} else {
  const options = new Command('bench:build')
    .description('time patch builds against the compiler alone, and against kpatch-build where it is given')
    .addOption(new Option('--kernel <version>', 'which kernel').choices(['5.15', '6.1']).default('6.1'))
    .option('--src <dir>', "kernel source (5.15: LOCKSTEP_KERNEL_SRC; 6.1: Debian's linux-source-6.1)")
    .option('--tree <dir>', 'a finished kernel build to use as it is')
    .option('--against <file>', 'kpatch-build, to time on a copy of the same tree in the same run')
    .option('--rounds <n>', 'rounds of the small cases', '7')
    .addOption(new Option('--case <name...>', 'only these').choices(caseNames).default(caseNames))
    .option('--json', 'print one JSON document')
    .parse()
    .opts<Options>();
  main(options).catch((error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
