// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LockstepError, parseModuleName, parsePatchId } from '@lockstep/domain/livepatch-model';
import { buildLivepatch, type KernelBuild } from '@lockstep/io/kernel-builder';
import type { SeededRandom } from '@lockstep/testing/seeded-random';
import { QemuMachine } from '@lockstep/testing/qemu-machine';
import { observeUnder, type Observations } from '../real-fixes/load-in-machine';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { lineDiff } from './line-diff';
import { mutateSource, type MutationKind } from './mutate-source';
import { probes, type Probe } from './probes';

/** Inverted branches are left out: many of them only crash the kernel. */
const visibleKinds: readonly MutationKind[] = ['string', 'call', 'static', 'constant'];

/** Mutations of a random place of a source mostly miss the few functions that its command runs. */
const maxAttempts = 200;

export interface LoadedMutation {
  readonly source: string;
  readonly kind: MutationKind;
  readonly line: number;
  readonly after: string;
  readonly functions: readonly string[];
  readonly observed: 'changed' | 'unchanged';
  /** null: loaded, unloaded, and all was again as before. */
  readonly problem: string | null;
}

export interface LoadOptions {
  readonly kernel: KernelBuild;
  /** Bootable, of that build. */
  readonly imageFile: string | undefined;
  /** Of the repository. */
  readonly root: string;
  readonly random: SeededRandom;
}

interface LoadBench extends Pick<LoadOptions, 'kernel' | 'random'> {
  readonly machine: QemuMachine;
  readonly dir: string;
  /** Diffs: the same mutation twice shows nothing new. */
  readonly tried: Set<string>;
}

/** For each that is seen, so many may be loaded: the mutated place need not be reached. */
const maxLoadsForOne = 3;

export const seenOf = (loaded: readonly LoadedMutation[]): number =>
  loaded.filter(({ observed }) => observed === 'changed').length;

/** Loads mutations in a machine, one after the other, until `wanted` of them changed what a command prints. */
export async function loadUntilSeen(
  { kernel, imageFile, root, random }: LoadOptions,
  wanted: number,
  onProgress: (done: number, total: number) => void,
): Promise<LoadedMutation[]> {
  if (imageFile === undefined) throw new Error('--load needs a kernel to boot: give --image with --tree');
  using scratch = ScratchDirectory.create('mutations');
  const dir = scratch.path;
  await using machine = await QemuMachine.create({
    name: 'mutations',
    kernelImage: path.resolve(imageFile),
    initFile: path.join(root, 'kernel-livepatch/qemu/init'),
    dir: path.join(dir, 'machine'),
  });
  await machine.start();
  const tried = new Set<string>();
  const loaded: LoadedMutation[] = [];
  while (seenOf(loaded) < wanted && loaded.length < wanted * maxLoadsForOne) {
    loaded.push(await loadMutation({ kernel, machine, dir, random, tried }, loaded.length));
    onProgress(seenOf(loaded), wanted);
  }
  return loaded;
}

/** Builds one random mutation of code that a command shows, and runs the command before, under and after it. */
async function loadMutation(bench: LoadBench, number: number): Promise<LoadedMutation> {
  const { kernel, random, machine, dir, tried } = bench;
  const kind = visibleKinds[number % visibleKinds.length] ?? 'string';
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const probe = random.pick(probes);
    const source = readFileSync(path.join(kernel.treeDir, probe.source), 'latin1');
    const mutation = mutateSource(source, kind, random);
    const name = `mutation_${number}`;
    if (mutation === null) continue;
    const { line, after } = mutation;
    const diff = lineDiff(probe.source, source.split('\n'), line - 1, after);
    const built = tried.has(diff) ? null : await buildIfSeen(kernel, probe, diff, name);
    tried.add(diff);
    if (built === null) continue;
    const file = path.join(dir, `${name}.ko`);
    writeFileSync(file, built.bytes);
    const observations = await observeUnder(machine, file, name, probe.command);
    if (typeof observations === 'string') await machine.reset();
    const told = { source: probe.source, kind, line, after: after.trim(), functions: built.functions };
    return { ...told, ...judgeObservations(observations) };
  }
  throw new Error(`no ${kind} mutation that a command shows in ${maxAttempts} attempts`);
}

/** null where it does not compile, is refused, or changes none of the functions that the command runs. */
async function buildIfSeen(
  kernel: KernelBuild,
  probe: Probe,
  diff: string,
  name: string,
): Promise<{ bytes: Uint8Array; functions: string[] } | null> {
  const named = { moduleName: parseModuleName(name), patchId: parsePatchId('0'.repeat(64)), replace: false };
  try {
    const { bytes, functions } = await buildLivepatch({ kernel, diff, ...named });
    const names = functions.map((one) => one.name);
    return names.some((one) => probe.functions.includes(one)) ? { bytes, functions: names } : null;
  } catch (error) {
    if (error instanceof LockstepError) return null;
    throw error;
  }
}

function judgeObservations(observations: Observations | string): Pick<LoadedMutation, 'observed' | 'problem'> {
  if (typeof observations === 'string') return { observed: 'unchanged', problem: observations };
  const { before, under, after } = observations;
  const observed = under === before ? 'unchanged' : 'changed';
  return { observed, problem: after === before ? null : `after it was unloaded:\n${after}\nand before:\n${before}` };
}
