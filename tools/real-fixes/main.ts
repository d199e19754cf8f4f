// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { Command } from 'commander';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { objectsThatRead } from '@lockstep/domain/source-patch';
import { buildLivepatch, defaultCacheDirectory, readPatch, type KernelBuild } from '@lockstep/io/kernel-builder';
import { Peer } from '../bench-build/peer';
import { wholeNumber } from '../command-options/whole-number';
import { ProgressLine } from '../progress/progress-line';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { clusterFiles, fixOf, inTurnByFolder, type Cluster } from './clusters';
import { differenceOf } from './difference';
import { exerciseId } from './exercise-files';
import { FixMachine, type Tried } from './fix-machine';
import { printRows, refusalOf, wordsOf, type Outcome, type Row } from './fix-row';
import { KeptModules, type BuiltModule } from './kept-modules';
import { KeptRows } from './kept-rows';
import { subjectOf, type SubjectOptions } from './subject';

const root = path.resolve(__dirname, '..');

interface Options extends SubjectOptions {
  readonly count: number;
  readonly maxFiles: number;
  readonly maxObjects: number;
  readonly together: number;
  readonly exerciseSeconds?: number;
  readonly exerciseAlone?: boolean;
  readonly against?: string;
  readonly results?: string;
  readonly json?: boolean;
}

interface Bench {
  readonly kernel: KernelBuild;
  readonly machine: FixMachine;
  readonly peer: Peer | undefined;
}

interface BuiltFix {
  readonly cluster: Cluster;
  readonly built: BuiltModule;
}

/** The same in each run, so that what is kept of one is of use to the next. */
const moduleNameOf = (cluster: Cluster): string => `real_fix_${fixOf(cluster).slice(0, 12)}`;

async function buildFix(cluster: Cluster, { kernel, peer }: Bench): Promise<BuiltModule | Row> {
  const { paths: files, diff } = cluster;
  const objects = (await readPatch(kernel, { diff })).objects.length;
  const moduleName = parseModuleName(moduleNameOf(cluster));
  const started = performance.now();
  const secondsSince = (): number => (performance.now() - started) / 1000;
  try {
    const named = { moduleName, patchId: parsePatchId('0'.repeat(64)), replace: false };
    const { bytes, functions, caveats } = await buildLivepatch({ kernel, diff, ...named });
    const staysLoaded = caveats.some(({ kind }) => kind === 'stays-loaded');
    return { files, objects, seconds: secondsSince(), bytes, functions, staysLoaded };
  } catch (error) {
    const outcome = refusalOf(error);
    const seconds = secondsSince();
    const verdict = peer === undefined || outcome.kind !== 'refused' ? null : await verdictOf(peer, diff);
    return { files, objects, seconds, outcome, peer: verdict };
  }
}

async function loadFixes(fixes: readonly BuiltFix[], machine: FixMachine): Promise<Row[]> {
  const modules = fixes.map(({ cluster, built: { bytes, staysLoaded, functions } }) => ({
    name: moduleNameOf(cluster),
    bytes,
    staysLoaded,
    objects: [...new Set(functions.map(({ object }) => object))],
  }));
  const results = await machine.try(modules);
  for (const took of new Set(results.map(({ took }) => took))) console.error(`      ${longestOf(took)}`);
  return fixes.map((fix, index) => {
    const { files, objects, seconds } = fix.built;
    return { files, objects, seconds, outcome: outcomeOf(fix, results[index]), peer: null };
  });
}

/** For whoever wonders where the time of an exercise goes. */
function longestOf(took: Tried['took']): string {
  const longest = [...took].sort(([, one], [, other]) => other - one).slice(0, 8);
  return `${took.size} ways; the longest: ${longest.map(([way, seconds]) => `${way} ${seconds} s`).join(', ')}`;
}

function outcomeOf({ cluster, built }: BuiltFix, tried: Tried | undefined): Outcome {
  const { functions: patched, staysLoaded } = built;
  const functions = patched.map(({ name }) => name);
  if (tried?.problem !== undefined || tried === undefined) {
    return { kind: 'built', functions, loadError: tried?.problem ?? 'not tried' };
  }
  const calls: Record<string, number> = {};
  const absent: Record<string, string> = {};
  for (const { name, object } of patched) {
    const count = tried.calls.get(`${moduleNameOf(cluster)} ${name}`);
    const why = tried.absent.get(object);
    if (count !== undefined) calls[name] = count;
    else if (why !== undefined) absent[name] = `${object} ${why}`;
  }
  return { kind: 'loaded', functions, calls, absent, staysLoaded, untried: tried.untried };
}

async function verdictOf(peer: Peer, diff: string): Promise<'builds' | 'refuses'> {
  return peer.build(diff).then(
    () => 'builds',
    () => 'refuses',
  );
}

async function tryAll(options: Options, progress: ProgressLine): Promise<Row[]> {
  using scratch = ScratchDirectory.create('fixes', defaultCacheDirectory());
  const dir = scratch.path;
  const { kernel, otherDir, system } = await subjectOf({ root, dir, progress }, options);
  const all = clusterFiles(differenceOf(kernel, otherDir));
  const narrow = all.filter(({ paths }) => paths.length <= options.maxFiles);
  const hasHeader = ({ paths }: Cluster): boolean => paths.some((file) => file.endsWith('.h'));
  // Who reads a header of a stock kernel is asked of the compiler, which takes minutes for some.
  const sourcesFirst = [narrow.filter((cluster) => !hasHeader(cluster)), narrow.filter(hasHeader)];
  const clusters = sourcesFirst.flatMap(inTurnByFolder);
  const machineOptions = { ...system, name: 'fixes', dir: path.join(dir, 'machine') };
  await using machine = await FixMachine.start(kernel, root, machineOptions, options.exerciseSeconds);
  if (options.exerciseAlone === true) {
    const { problem, took } = await progress.run('The exercise, with no fix', async () => machine.tryNone());
    if (problem !== undefined) throw new Error(`the kernel complains of itself: ${problem}`);
    console.error(`      ${longestOf(took)}`);
    return [];
  }
  const peer =
    options.against === undefined
      ? undefined
      : await Peer.prepare(
          options.against,
          kernel.treeDir,
          path.join(defaultCacheDirectory(), 'bench-peer', kernel.id),
          clusters[0]?.diff ?? '',
        );
  const kept = {
    rows: new KeptRows(options.results, kernel.id, await exerciseId(root)),
    modules: new KeptModules(options.results, kernel.id),
  };
  return await tryInTurn(clusters, kept, { kernel, machine, peer }, { ...options, progress });
}

interface Trying extends Pick<Options, 'count' | 'maxObjects' | 'together'> {
  readonly progress: ProgressLine;
}

interface Kept {
  readonly rows: KeptRows;
  readonly modules: KeptModules;
}

async function tryInTurn(
  clusters: readonly Cluster[],
  kept: Kept,
  bench: Bench,
  { count, maxObjects, together, progress }: Trying,
): Promise<Row[]> {
  const rows: Row[] = [];
  let waiting: BuiltFix[] = [];
  const load = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const tried = waiting;
    waiting = [];
    const describe = (loaded: readonly Row[]): string => loaded.map(wordsOf).join('\n      ');
    const loaded = await progress.run('Load them', async () => loadFixes(tried, bench.machine), describe);
    loaded.forEach((row, index) => {
      if (tried[index] !== undefined) kept.rows.keep(fixOf(tried[index].cluster), row);
    });
    rows.push(...loaded);
  };
  const buildInTurn = async (cluster: Cluster): Promise<BuiltModule | Row | undefined> => {
    // Who reads a header is asked of the compiler, object by object: not for what is too wide anyway.
    if (objectsThatRead(bench.kernel.index, cluster.paths).length > maxObjects) return undefined;
    if ((await readPatch(bench.kernel, { diff: cluster.diff })).objects.length > maxObjects) return undefined;
    const words = (one: BuiltModule | Row): string =>
      'outcome' in one ? wordsOf(one) : `built: ${one.functions.map(({ name }) => name).join(', ')}`;
    const built = await progress.run(cluster.paths.join(' '), async () => buildFix(cluster, bench), words);
    if (!('outcome' in built)) kept.modules.keep(fixOf(cluster), built);
    return built;
  };
  const isFix = ({ outcome }: Row): boolean => outcome.kind !== 'no-fix';
  for (const cluster of clusters) {
    if (rows.filter(isFix).length + waiting.length >= count) break;
    const fix = fixOf(cluster);
    const known = kept.rows.of(fix);
    if (known !== undefined) {
      rows.push(known);
      continue;
    }
    const built = kept.modules.of(fix) ?? (await buildInTurn(cluster));
    if (built === undefined) continue;
    if ('outcome' in built) {
      rows.push(built);
      kept.rows.keep(fix, built);
    } else if (waiting.push({ cluster, built }) >= together) {
      await load();
    }
  }
  await load();
  return rows;
}

const options = new Command('try:fixes')
  .description('build, load and unload the fixes that a later tree of the same series has')
  .option('--from <dir>', "source of the kernel to patch (default: Debian's linux-source-6.1)")
  .option('--built <dir>', 'a finished build of it to use as it is, with --image')
  .option('--image <file>', 'the bootable image of that build')
  .option('--to <dir>', 'a later tree of the same series; with --debian, the source of the second one, unpacked there')
  .option('--debian <A..B>', "instead: two versions of Debian's source; patched is its own kernel of the first one")
  .option('--flavour <name>', 'with --debian, which of its kernels', 'cloud-amd64')
  .option('--packages <dir>', 'with --debian, the packages of the first one, unpacked there')
  .option('--count <n>', 'how many fixes', wholeNumber, 40)
  .option('--max-files <n>', 'files of one fix at most', wholeNumber, 5)
  .option('--max-objects <n>', 'objects that a fix may touch at most', wholeNumber, 30)
  .option('--together <n>', 'in the machine at once: the exercise takes minutes, for however many', wholeNumber, 20)
  .option(
    '--exercise-seconds <n>',
    'begin no way of the exercise later than that (default: all are tried)',
    wholeNumber,
  )
  .option('--exercise-alone', 'instead: the exercise with no fix, of which the kernel must not complain')
  .option('--against <file>', 'kpatch-build, to ask about what is refused')
  .option('--results <file>', 'where results are kept: fixes that are there already are not tried again')
  .option('--json', 'print one JSON document')
  .parse()
  .opts<Options>();
tryAll(options, new ProgressLine(options.count, options.json === true ? process.stderr : process.stdout)).then(
  (rows) => {
    if (options.json === true) console.log(JSON.stringify({ rows }, null, 2));
    else printRows(rows);
    process.exit(rows.every(({ outcome }) => outcome.kind !== 'built') ? 0 : 1);
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
