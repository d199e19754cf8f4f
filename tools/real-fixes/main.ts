// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import CliTable from 'cli-table3';
import { Command } from 'commander';
import { LockstepError, parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { buildLivepatch, defaultCacheDirectory, readPatch, type KernelBuild } from '@lockstep/io/kernel-builder';
import { QemuMachine } from '@lockstep/testing/qemu-machine';
import { Peer } from '../bench-build/peer';
import { ProgressLine } from '../progress/progress-line';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { clusterFiles, type Cluster } from './clusters';
import { differenceOf } from './difference';
import { loadAndUnload } from './load-in-machine';
import { subjectOf, type SubjectOptions } from './subject';

const root = path.resolve(__dirname, '..');

interface Options extends SubjectOptions {
  readonly count: string;
  readonly maxFiles: string;
  readonly maxObjects: string;
  readonly against?: string;
  readonly json?: boolean;
}

type Outcome =
  | { readonly kind: 'loaded'; readonly functions: readonly string[] }
  | { readonly kind: 'built'; readonly functions: readonly string[]; readonly loadError: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string }
  /** Not a fix by itself: it needs more of the difference, or changes nothing here. */
  | { readonly kind: 'no-fix'; readonly reason: string; readonly message: string };

interface Row {
  readonly files: readonly string[];
  readonly objects: number;
  readonly seconds: number;
  readonly outcome: Outcome;
  /** Of kpatch-build: builds, refuses, or was not asked. */
  readonly peer: 'builds' | 'refuses' | null;
}

/** A part of a difference may be no fix: that says nothing about the builder. */
const noFix = new Set(['compile-failed', 'changes-no-object', 'no-function-changed']);

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof LockstepError)) throw error;
  const kind = noFix.has(error.reason) ? 'no-fix' : 'refused';
  return { kind, reason: error.reason, message: error.message };
}

interface Bench {
  readonly kernel: KernelBuild;
  readonly machine: QemuMachine;
  readonly peer: Peer | undefined;
}

async function tryFix({ paths, diff }: Cluster, number: number, { kernel, machine, peer }: Bench): Promise<Row> {
  const { objects } = await readPatch(kernel, { diff });
  const name = `real_fix_${number}`;
  const named = { moduleName: parseModuleName(name), patchId: parsePatchId('0'.repeat(64)), replace: false };
  const started = performance.now();
  let outcome: Outcome;
  try {
    const { bytes, functions } = await buildLivepatch({ kernel, diff, ...named });
    const file = `/run/${name}.ko`;
    await machine.putFile(file, bytes);
    const names = functions.map((one) => one.name);
    const loadError = await loadAndUnload(machine, file, name);
    outcome =
      loadError === undefined ? { kind: 'loaded', functions: names } : { kind: 'built', functions: names, loadError };
    // Whatever a bad module did to the kernel must not be held against the next one.
    if (loadError !== undefined) await machine.reset();
  } catch (error) {
    outcome = outcomeOf(error);
  }
  const seconds = (performance.now() - started) / 1000;
  const verdict = peer === undefined || outcome.kind !== 'refused' ? null : await verdictOf(peer, diff);
  return { files: paths, objects: objects.length, seconds, outcome, peer: verdict };
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
  const clusters = clusterFiles(differenceOf(kernel, otherDir)).filter(
    ({ paths }) => paths.length <= Number(options.maxFiles),
  );
  await using machine = await QemuMachine.create({ ...system, name: 'fixes', dir: path.join(dir, 'machine') });
  await machine.start();
  const peer =
    options.against === undefined
      ? undefined
      : await Peer.prepare(
          options.against,
          kernel.treeDir,
          path.join(defaultCacheDirectory(), 'bench-peer', kernel.id),
          clusters[0]?.diff ?? '',
        );
  const rows: Row[] = [];
  let fixes = 0;
  for (const [number, cluster] of clusters.entries()) {
    if (fixes >= Number(options.count)) break;
    if ((await readPatch(kernel, { diff: cluster.diff })).objects.length > Number(options.maxObjects)) continue;
    const row = await progress.run(
      cluster.paths.join(' '),
      async () => tryFix(cluster, number, { kernel, machine, peer }),
      wordsOf,
    );
    rows.push(row);
    if (row.outcome.kind !== 'no-fix') fixes += 1;
  }
  return rows;
}

function wordsOf({ outcome, peer }: Row): string {
  const asked = peer === null ? '' : `; the peer ${peer}`;
  switch (outcome.kind) {
    case 'loaded':
      return `loaded: ${outcome.functions.join(', ')}`;
    case 'built':
      return `built, but not loaded: ${outcome.loadError}`;
    case 'refused':
      return `refused (${outcome.reason}): ${outcome.message}${asked}`;
    case 'no-fix':
      return `not a fix by itself (${outcome.reason}): ${outcome.message.split('\n').slice(0, 2).join(' ')}`;
  }
}

function print(rows: readonly Row[]): void {
  const table = new CliTable({
    head: ['files', 'objects', 'seconds', 'result', 'peer'],
    style: { head: [], border: [] },
  });
  const fixes = rows.filter(({ outcome }) => outcome.kind !== 'no-fix');
  for (const { files, objects, seconds, outcome, peer } of fixes) {
    const result = outcome.kind === 'refused' ? `refused: ${outcome.reason}` : outcome.kind;
    table.push([files.join('\n'), objects, seconds.toFixed(1), result, peer ?? '']);
  }
  console.log(table.toString());
  const count = (kind: Outcome['kind']): number => rows.filter(({ outcome }) => outcome.kind === kind).length;
  console.log(
    `${fixes.length} fixes: ${count('loaded')} built, loaded and unloaded, ${count('built')} built and not loaded, ` +
      `${count('refused')} refused; ${count('no-fix')} parts of the difference are no fix by themselves`,
  );
}

const options = new Command('try:fixes')
  .description('build, load and unload the fixes that a later tree of the same series has')
  .option('--from <dir>', "source of the kernel to patch (default: Debian's linux-source-6.1)")
  .option('--built <dir>', 'a finished build of it to use as it is, with --image')
  .option('--image <file>', 'the bootable image of that build')
  .option('--to <dir>', 'a later tree of the same series')
  .option('--debian <A..B>', "instead: two versions of Debian's source; patched is its own kernel of the first one")
  .option('--flavour <name>', 'with --debian, which of its kernels', 'cloud-amd64')
  .option('--packages <dir>', 'with --debian, the packages of the first one, unpacked there')
  .option('--count <n>', 'how many fixes', '40')
  .option('--max-files <n>', 'files of one fix at most', '5')
  .option('--max-objects <n>', 'objects that a fix may touch at most', '30')
  .option('--against <file>', 'kpatch-build, to ask about what is refused')
  .option('--json', 'print one JSON document')
  .parse()
  .opts<Options>();
tryAll(options, new ProgressLine(Number(options.count), options.json === true ? process.stderr : process.stdout)).then(
  (rows) => {
    if (options.json === true) console.log(JSON.stringify({ rows }, null, 2));
    else print(rows);
    process.exit(rows.every(({ outcome }) => outcome.kind !== 'built') ? 0 : 1);
  },
  (error: unknown) => {
    process.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
