// SPDX-License-Identifier: GPL-2.0-only
// What a kernel that nobody here built costs until its first livepatch, and from then on, each beside its floor: the kernel's
// own `make modules_prepare`, and the compiler alone on the objects that must be compiled.
import path from 'node:path';
import { Command } from 'commander';
import { parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { parseStockName } from '@lockstep/domain/vendor-kernel';
import {
  buildLivepatch,
  defaultCacheDirectory,
  readPatch,
  registerStockKernel,
  type BuiltLivepatch,
  type KernelBuild,
} from '@lockstep/io/kernel-builder';
import { patchOf, type CaseName } from '../bench-build/cases';
import { compilerAlone } from '../bench-build/compiler-alone';
import { median, timed } from '../bench-build/timing';
import { wholeNumber } from '../command-options/whole-number';
import { ProgressLine } from '../progress/progress-line';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { peerAlone, type PeerResult } from './peer-alone';
import { prepareAlone } from './prepare-alone';

interface Options {
  readonly release: string;
  readonly from: string;
  readonly rounds: number;
  readonly against?: string;
  readonly peerMinutes: number;
  readonly json?: boolean;
}

interface WarmCase {
  /** That read what the patch changes. */
  readonly readers: number;
  /** That come out different. */
  readonly objects: number;
  /** With the same patch in another wording before it. */
  readonly firstSeconds: number;
  readonly warmSeconds: number;
  /** On those that come out different, once each. */
  readonly compilerSeconds: number;
}

interface Figures {
  readonly kernel: string;
  /** The kernel's own `make modules_prepare`, alone. */
  readonly prepareSeconds: number;
  /** From the unpacked packages, nothing cached. */
  readonly firstPatchSeconds: number;
  readonly registerSeconds: number;
  readonly oneLineWarmSeconds: number;
  readonly compilerSeconds: number;
  readonly oneLine: WarmCase;
  readonly header: WarmCase;
  readonly peerSeconds: number | null;
  /** Whether the peer came to an end by itself. */
  readonly peerEnded: boolean | null;
  /** Of this process, which does all of it but what the compilers do: until the kernel was registered, and in all. */
  readonly registerMemoryMb: number;
  readonly peakMemoryMb: number;
}

const named = { moduleName: parseModuleName('bench'), patchId: parsePatchId('0'.repeat(64)), replace: false };

const build = async (kernel: KernelBuild, name: CaseName, round: number): Promise<BuiltLivepatch> =>
  buildLivepatch({ kernel, diff: patchOf(kernel.treeDir, name, round), ...named });

const highestMemoryMb = (): number => process.resourceUsage().maxRSS / 1024;

/** Ours and the floor in turn, so that whatever else the machine does falls on both alike. */
async function measureWarm(kernel: KernelBuild, name: CaseName, rounds: number): Promise<WarmCase> {
  const { objects } = await readPatch(kernel, { diff: patchOf(kernel.treeDir, name, 0) });
  const { result, seconds: firstSeconds } = await timed(async () => build(kernel, name, 0));
  const paths = result.objects.map(({ diff }) => diff.objectPath);
  const rows = { warm: [] as number[], floor: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    rows.floor.push(await compilerAlone(kernel.treeDir, paths));
    rows.warm.push((await timed(async () => build(kernel, name, round))).seconds);
  }
  return {
    readers: objects.length,
    objects: paths.length,
    firstSeconds,
    warmSeconds: median(rows.warm),
    compilerSeconds: median(rows.floor),
  };
}

async function main({ release, from, rounds, against, peerMinutes, json = false }: Options): Promise<void> {
  const progress = new ProgressLine(against === undefined ? 4 : 5, json ? process.stderr : process.stdout);
  const name = parseStockName('debian', release);
  // On the cache's own file system, where staged trees are links; new, so that nothing is known.
  using scratch = ScratchDirectory.create('bench-stock', defaultCacheDirectory());
  const cacheDir = path.join(scratch.path, 'cache');
  const first = await progress.run('From unpacked packages to the first module', async () =>
    timed(async () => {
      const added = await timed(async () => registerStockKernel({ ...name, from, cacheDir }));
      const kernel = added.result;
      const registerMemoryMb = highestMemoryMb();
      await build(kernel, 'one-line', 1_000);
      return { kernel, registerSeconds: added.seconds, registerMemoryMb };
    }),
  );
  const { kernel, registerSeconds, registerMemoryMb } = first.result;
  const prepareSeconds = await progress.run("The kernel's own make modules_prepare, alone", async () =>
    prepareAlone({ ...name, from, tools: kernel.tools, dir: path.join(scratch.path, 'prepare') }),
  );
  // Told as they come: a run takes many minutes, and not each comes to its end.
  const oneLine = await progress.run(
    'One line, warm',
    async () => measureWarm(kernel, 'one-line', rounds),
    (found) => warmWords('one line', found),
  );
  const header = await progress.run(
    'A header, warm',
    async () => measureWarm(kernel, 'narrow-header', rounds),
    (found) => warmWords('a header', found),
  );
  const peer = await askPeer(progress, { against, peerMinutes, from, release, scratchDir: scratch.path }, kernel);
  const figures: Figures = {
    kernel: kernel.release,
    prepareSeconds,
    firstPatchSeconds: first.seconds,
    registerSeconds,
    oneLineWarmSeconds: oneLine.warmSeconds,
    compilerSeconds: oneLine.compilerSeconds,
    oneLine,
    header,
    peerSeconds: peer?.seconds ?? null,
    peerEnded: peer?.hasEnded ?? null,
    registerMemoryMb,
    peakMemoryMb: highestMemoryMb(),
  };
  console.log(json ? JSON.stringify(figures, null, 2) : wordsOf(figures));
}

interface PeerOptions extends Pick<Options, 'peerMinutes' | 'from' | 'release'> {
  readonly against: string | undefined;
  readonly scratchDir: string;
}

async function askPeer(
  progress: ProgressLine,
  { against, peerMinutes, from, release, scratchDir }: PeerOptions,
  { treeDir }: KernelBuild,
): Promise<PeerResult | undefined> {
  if (against === undefined) return undefined;
  const dir = path.join(scratchDir, 'peer');
  const diff = patchOf(treeDir, 'one-line', 0);
  const limitMs = peerMinutes * 60_000;
  return progress.run('The peer, from the same packages', async () =>
    peerAlone({ script: against, release, from, diff, dir, limitMs }),
  );
}

const seconds = (value: number): string => `${value.toFixed(1)} s`;
const times = (value: number, floor: number): string => `${(value / floor).toFixed(2)} times`;

const warmWords = (name: string, { readers, objects, warmSeconds, compilerSeconds }: WarmCase): string =>
  `${name} (${readers} readers, ${objects} compiled): ${seconds(warmSeconds)}, the compiler alone ${seconds(compilerSeconds)}: ${times(warmSeconds, compilerSeconds)}`;

function wordsOf(figures: Figures): string {
  const { kernel, prepareSeconds, firstPatchSeconds, registerSeconds, oneLine, header, peerSeconds, peerEnded } =
    figures;
  const peer = `${peerEnded === true ? '' : 'more than '}${seconds(peerSeconds ?? 0)}: ${times(peerSeconds ?? 0, firstPatchSeconds)}`;
  return [
    `Linux ${kernel}, from unpacked packages, nothing cached`,
    `first module: ${seconds(firstPatchSeconds)}, make modules_prepare alone ${seconds(prepareSeconds)}: ${times(firstPatchSeconds, prepareSeconds)}`,
    warmWords('one line', oneLine),
    warmWords('a header', header),
    ...(peerSeconds === null ? [] : [`the peer: ${peer}`]),
    `registered in ${seconds(registerSeconds)}`,
    `memory at its highest: ${figures.registerMemoryMb.toFixed(0)} MB to register, ${figures.peakMemoryMb.toFixed(0)} MB in all`,
  ].join('\n');
}

const options = new Command('bench:stock')
  .description(
    "time patch builds for a distribution's kernel, from its packages, against what they cannot be quicker than",
  )
  .option('--release <release>', 'which of Debian, as uname -r says it', '6.1.0-50-cloud-amd64')
  .requiredOption('--from <dir>', 'its packages, unpacked there')
  .option('--rounds <n>', 'rounds of one line', wholeNumber, 7)
  .option('--against <file>', 'kpatch-build, to time from the same packages')
  .option('--peer-minutes <n>', 'it is ended after that time', wholeNumber, 60)
  .option('--json', 'print one JSON document')
  .parse()
  .opts<Options>();
main(options).catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
