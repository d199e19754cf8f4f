// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import {
  defaultCacheDirectory,
  ObjectCompiler,
  registerKernelBuild,
  type KernelBuild,
  type OnProgress as KernelProgress,
} from '@lockstep/io/kernel-builder';
import { seededRandom, type SeededRandom } from '@lockstep/testing/seeded-random';
import { buildLockstepKernel, kernelFlavours, type KernelFlavour } from '@lockstep/testing/qemu-machine';
import { CreateDiffObject } from '../bench-diff/peer';
import { agreementOf, type Agreement } from '../compare-verdicts/agreement';
import { ProgressLine } from '../progress/progress-line';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { readAssembly } from './assembly';
import { mutateSource, mutationKinds, type Mutation, type MutationKind } from './mutate-source';
import { loadUntilSeen, seenOf, type LoadedMutation } from './load-mutations';
import { judgeShapes, shapesOf } from './judge-shapes';
import { buildShapeKernel } from './shape-kernel';
import { showShapes } from './shapes';
import { selfDiff, type SelfDiff } from './self-diff';
import { expectedOf, judge, verdictOf, type Verdict } from './verdict';

const root = path.resolve(__dirname, '..');

interface Options {
  readonly kernel: '5.15' | '6.1';
  readonly src?: string;
  readonly tree?: string;
  readonly flavour: KernelFlavour;
  readonly seed: string;
  readonly count: string;
  readonly selfDiff?: string | boolean;
  readonly load: string;
  readonly image?: string;
  readonly against?: string;
  readonly shapes?: string;
  readonly results?: string;
  readonly json?: boolean;
}

type OnProgress = (done: number, total: number) => void;

interface Case {
  readonly number: number;
  readonly source: string;
  readonly kind: MutationKind;
  readonly line: number;
  readonly before: string;
  readonly after: string;
  readonly verdict: Verdict | { readonly kind: 'same' };
  /** null: right. */
  readonly problem: string | null;
  /** With create-diff-object, where it was given. */
  readonly agreement: Agreement | null;
}

/** What cases are made of, and compared by. */
interface Bench {
  readonly kernel: KernelBuild;
  readonly compiler: ObjectCompiler;
  readonly peer: { readonly program: CreateDiffObject; readonly dir: string } | undefined;
}

const peerLimitSeconds = 120;

/** How often another place is tried: many mutations do not compile, many sources have no place for one. */
const maxAttempts = 40;

interface Built {
  readonly treeDir: string;
  /** Bootable; undefined where a tree was given without one. */
  readonly imageFile: string | undefined;
}

async function findBuild({ tree, image, src, kernel, flavour }: Options, progress: ProgressLine): Promise<Built> {
  if (tree !== undefined) return { treeDir: path.resolve(tree), imageFile: image };
  const source = src ?? (kernel === '5.15' ? process.env['LOCKSTEP_KERNEL_SRC'] : undefined);
  const built = await buildLockstepKernel({
    root,
    source,
    flavour,
    onProgress: ({ stage, done, total }) => {
      progress.update(stage, done, total);
    },
  });
  if (built.version !== kernel) throw new Error(`the tree is Linux ${built.version}, not ${kernel}: give --src`);
  return built;
}

/** One mutation that compiles and changes the object, with what the differ and the assembly say of it. */
async function runCase(
  bench: Bench,
  objects: readonly IndexedObject[],
  number: number,
  random: SeededRandom,
): Promise<Case> {
  const kind = mutationKinds[number % mutationKinds.length] ?? 'constant';
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const object = random.pick(objects);
    const source = await readFile(path.join(bench.kernel.treeDir, object.source), 'latin1');
    const mutation = mutateSource(source, kind, random);
    const patched = mutation === null ? null : await compileIf(bench.compiler, object, mutation);
    if (mutation === null || patched === null) continue;
    const { line, before, after } = mutation;
    const told = { number, source: object.source, kind, line, before: before.trim(), after: after.trim() };
    return { ...told, ...(await compareCase(bench, object, mutation, patched)) };
  }
  throw new Error(`no ${kind} mutation compiled in ${maxAttempts} attempts`);
}

async function compileIf(
  compiler: ObjectCompiler,
  object: IndexedObject,
  { source }: Mutation,
): Promise<Uint8Array | null> {
  try {
    return await compiler.patched(object, new Map([[object.source, source]]));
  } catch (error) {
    if (error instanceof LockstepError && error.reason === 'compile-failed') return null;
    throw error;
  }
}

async function compareCase(
  { kernel, compiler, peer }: Bench,
  object: IndexedObject,
  mutation: Mutation,
  patched: Uint8Array,
): Promise<Pick<Case, 'verdict' | 'problem' | 'agreement'>> {
  const original = await compiler.original(object);
  const verdict = verdictOf(original, patched, object.path, kernel.facts.tables, false);
  const closer = verdictOf(original, patched, object.path, kernel.facts.tables, true);
  const before = readAssembly(await compiler.assembly(object, new Map()));
  const after = readAssembly(await compiler.assembly(object, new Map([[object.source, mutation.source]])));
  const same = JSON.stringify(verdict) === JSON.stringify(closer);
  const problem = judge(verdict, expectedOf(before, after));
  const agreement = peer === undefined ? null : await askPeer(peer, verdict, original, patched);
  return { verdict, problem: same ? problem : `a closer look says ${JSON.stringify(closer)}`, agreement };
}

async function askPeer(
  { program, dir }: NonNullable<Bench['peer']>,
  verdict: Verdict,
  original: Uint8Array,
  patched: Uint8Array,
): Promise<Agreement> {
  const files = [path.join(dir, 'original.o'), path.join(dir, 'patched.o')] as const;
  await Promise.all([writeFile(files[0], original), writeFile(files[1], patched)]);
  return agreementOf(verdict, await program.compare(files[0], files[1], peerLimitSeconds));
}

interface Results {
  readonly kernel: string;
  readonly seed: number;
  readonly right: number;
  readonly count: number;
  readonly refused: number;
  readonly self: SelfDiff | null;
  /** Loaded in a machine. */
  readonly loaded: readonly LoadedMutation[];
  readonly cases: readonly Case[];
}

async function runCases(
  kernel: KernelBuild,
  { count, seed, against }: Options,
  onProgress: OnProgress,
): Promise<Case[]> {
  await using compiler = await ObjectCompiler.lease(kernel);
  const objects = ObjectCompiler.objectsOf(kernel);
  using scratch = ScratchDirectory.create('mutations');
  const dir = scratch.path;
  const done: Case[] = [];
  const program = against === undefined ? undefined : await CreateDiffObject.forKernel(against, kernel, dir);
  const bench = { kernel, compiler, peer: program === undefined ? undefined : { program, dir } };
  while (done.length < Number(count)) {
    const random = seededRandom(Number(seed) * 1_000_003 + done.length);
    done.push(await runCase(bench, objects, done.length, random));
    onProgress(done.length, Number(count));
  }
  return done;
}

async function shapes(
  count: number,
  { seed, json, kernel, src: source, results: resultsFile }: Options,
): Promise<number> {
  if (kernel !== '6.1') throw new Error('the shapes are C as 6.1 takes it: leave --kernel out');
  const progress = new ProgressLine(2, json === true ? process.stderr : process.stdout);
  const all = shapesOf(count, Number(seed));
  const onProgress: KernelProgress = ({ stage, done, total }) => {
    progress.update(stage, done, total);
  };
  const built = await progress.run(`Build a kernel with ${all.length} shapes`, async () =>
    buildShapeKernel({ root, source, shapes: all, onProgress }),
  );
  const onJudged = (done: number, total: number): void => {
    progress.update('shapes', done, total);
  };
  const cases = await progress.run('Build their patches, and run them', async () =>
    judgeShapes({ root, built, shapes: all, resultsFile, onJudged }),
  );
  console.log(json === true ? JSON.stringify(cases, null, 2) : showShapes(cases));
  return cases.some(({ outcome }) => outcome === 'wrong') ? 1 : 0;
}

/** Ctrl-C ends the work early; a second one ends the program. */
async function stoppable<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const stop = new AbortController();
  const onStop = (): void => {
    stop.abort();
  };
  for (const name of stopSignals) process.once(name, onStop);
  try {
    return await work(stop.signal);
  } finally {
    for (const name of stopSignals) process.off(name, onStop);
  }
}

const stopSignals = ['SIGINT', 'SIGTERM'] as const;

async function main(options: Options): Promise<number> {
  if (options.shapes !== undefined) return shapes(Number(options.shapes), options);
  const isJson = options.json === true;
  const [wanted, isSelfDiff] = [Number(options.load), options.selfDiff !== undefined];
  const compared = options.selfDiff === true ? undefined : Number(options.selfDiff);
  const steps = 2 + Number(isSelfDiff) + Number(wanted > 0);
  const progress = new ProgressLine(steps, isJson ? process.stderr : process.stdout);
  const update = (stage: string) => (done: number, total: number) => {
    progress.update(stage, done, total);
  };
  const built = await progress.run('Find the kernel build', async () => findBuild(options, progress));
  const kernel = await registerKernelBuild({ path: built.treeDir, cacheDir: defaultCacheDirectory() });
  const self = isSelfDiff
    ? await progress.run('Compare objects with themselves', async () =>
        stoppable((signal) =>
          selfDiff(kernel, {
            count: compared,
            resultsFile: options.results,
            signal,
            onProgress: ({ objects, of, changed }) => {
              progress.update(`objects compared, ${changed.length} with changes`, objects, of);
            },
          }),
        ),
      )
    : null;
  const isStopped = self !== null && self.objects < self.of;
  const cases = isStopped
    ? []
    : await progress.run(`Mutate ${options.count} functions`, async () =>
        runCases(kernel, options, update('mutations')),
      );
  const random = seededRandom(Number(options.seed));
  const loaded =
    wanted === 0 || isStopped
      ? []
      : await progress.run(`See what ${wanted} others do in a machine`, async () =>
          loadUntilSeen({ kernel, random, root, imageFile: built.imageFile }, wanted, update('mutations seen')),
        );
  const results: Results = {
    kernel: kernel.release,
    seed: Number(options.seed),
    right: cases.filter(({ problem }) => problem === null).length,
    count: cases.length,
    refused: cases.filter(({ verdict }) => verdict.kind === 'refused').length,
    self,
    loaded,
    cases,
  };
  if (isJson) console.log(JSON.stringify(results, null, 2));
  else print(results);
  const isSeen = seenOf(loaded) === wanted && loaded.every(({ problem }) => problem === null);
  return results.right === results.count && !isStopped && (self === null || self.changed.length === 0) && isSeen
    ? 0
    : 1;
}

function print({ cases, self, right, count, refused, seed, loaded }: Results): void {
  for (const { number, source, line, kind, before, after, problem, agreement } of cases) {
    const place = `${number} ${kind} ${source}:${line}\n  - ${before}\n  + ${after}`;
    if (problem !== null) console.log(`${place}\n  ${problem}`);
    if (agreement?.agrees === false)
      console.log(`${place}\n  Lockstep: ${agreement.ours}\n  peer: ${agreement.theirs}`);
  }
  if (self !== null) {
    for (const change of self.changed) console.log(change);
    const stopped = self.objects < self.of ? `, stopped: of ${self.of}` : '';
    console.log(`self-diff: ${self.objects} objects, ${self.changed.length} with changes${stopped}`);
  }
  if (cases.length === 0) return;
  console.log(`mutations: ${right} of ${count} right (${refused} rightly or wrongly refused), seed ${seed}`);
  const asked = cases.flatMap(({ agreement }) => agreement ?? []);
  if (asked.length > 0) console.log(`the peer says the same of ${asked.filter(({ agrees }) => agrees).length}`);
  for (const { source, line, kind, after, functions, observed, problem } of loaded) {
    console.log(`${problem ?? observed}: ${kind} in ${functions.join(' ')} (${source}:${line}) ${after}`);
  }
  if (loaded.length > 0)
    console.log(`loaded: ${loaded.length}, of which ${seenOf(loaded)} were seen to do something else`);
}

const options = new Command('test:mutations')
  .description(
    'change functions of a kernel at random places; the differ must name exactly those that the compiler changed',
  )
  .addOption(new Option('--kernel <version>', 'which kernel').choices(['5.15', '6.1']).default('6.1'))
  .addOption(new Option('--flavour <name>', 'how it is configured').choices(kernelFlavours).default('plain'))
  .option('--src <dir>', "kernel source (5.15: LOCKSTEP_KERNEL_SRC; 6.1: Debian's linux-source-6.1)")
  .option('--tree <dir>', 'a finished kernel build to use as it is')
  .option('--image <file>', 'the bootable image of that build, for --load')
  .option('--seed <n>', 'the same seed makes the same mutations', '1')
  .option('--count <n>', 'how many', '50')
  .option('--load <n>', 'load mutations in a machine until so many are seen to change what a command prints', '0')
  .option(
    '--shapes <n>',
    'instead: so many arrays with neighbours, and types that change, of each kind, judged by what they do in a machine',
  )
  .option(
    '--results <file>',
    'where results of --shapes or --self-diff are kept as they come: those that are there already are not run again',
  )
  .option('--against <file>', 'create-diff-object, to compare verdicts with')
  .option('--self-diff [n]', 'also compare every object of the kernel with itself, or so many of them')
  .option('--json', 'print one JSON document with every case')
  .parse()
  .opts<Options>();
main(options).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
