// SPDX-License-Identifier: GPL-2.0-only
import { changedInlineFunctions, meansTheSame } from '@lockstep/domain/source-patch';
import { mapAtOnce } from '../processes/at-once';
import { preprocessObject, unreachedNamesIn, type CompileJob } from '../objects/compile-object';
import type { ReadPatch } from './read-patch';
import type { KernelBuild } from '../builds/registered-kernel';
import { progressCounter, type OnProgress } from '../processes/stage';
import type { StagedTree } from '../builds/staged-tree';

export interface Searching {
  readonly kernel: KernelBuild;
  /** Of the unchanged tree; left as it was. */
  readonly staged: StagedTree;
  readonly compilers: number;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How many preprocessed sources, of some megabytes each, are kept in memory. */
const batchSize = 24;

/** Spread over the readers, to see whether it is worth asking about all. */
const sampleSize = 6;

/** Hides what it changes from the compiler, and so from a comparison of what the compiler sees. */
const versionsOnly = '__GENKSYMS__';

/** What a patch reaches, and what is left to ask. */
export interface Reached {
  readonly jobs: readonly CompileJob[];
  /**
   * One of those that were left out because they call no function in which the headers' text changes: it must mean the same
   * to the preprocessor (`meansTheSame`). Where it does not, only what reachedByText says counts.
   */
  readonly sample?: CompileJob | undefined;
  /** By path, if the sample means the same: of what these read, bodies of inline functions are all that changes. */
  readonly bodiesAlone: ReadonlySet<string>;
}

const none: ReadonlySet<string> = new Set();

/**
 * Those of the jobs that the patch reaches: most readers of a header do not use what changed in it, and to see that takes
 * a fraction of what the compiler takes, which would run twice where there is no original yet. At least one is left:
 * whether the change compiles is for the compiler to say.
 */
export async function reachedJobs(
  jobs: readonly CompileJob[],
  patch: ReadPatch,
  searching: Searching,
): Promise<Reached> {
  const readers = readersOf(jobs, patch);
  if (readers.length === 0 || [...patch.changed.values()].some((text) => text?.includes(versionsOnly)))
    return { jobs, bodiesAlone: none };
  const count = progressCounter('look what the change reaches', readers.length, searching.onProgress);
  const leftOut = await unreachedByName(readers, patch, searching, count);
  if (leftOut === undefined)
    return { jobs: without(jobs, await unreachedByText(readers, patch, searching, count)), bodiesAlone: none };
  const [sample] = leftOut;
  // A new file may be found before one that was read.
  const isPlain = sample !== undefined && [...patch.changed.keys()].every((path) => patch.originals.get(path) != null);
  const bodiesAlone = isPlain ? new Set(readers.map(({ indexed }) => indexed.path)) : none;
  return { jobs: without(jobs, leftOut), sample, bodiesAlone };
}

/** The same, by what the preprocessor says of each. */
export async function reachedByText(
  jobs: readonly CompileJob[],
  patch: ReadPatch,
  searching: Searching,
): Promise<Reached> {
  const readers = readersOf(jobs, patch);
  const leftOut = await unreachedByText(readers, patch, searching, (value) => value);
  return { jobs: without(jobs, leftOut), bodiesAlone: none };
}

const readersOf = (jobs: readonly CompileJob[], { files }: ReadPatch): CompileJob[] =>
  jobs.filter(({ indexed }) => !files.includes(indexed.source));

function without(jobs: readonly CompileJob[], leftOut: readonly CompileJob[]): CompileJob[] {
  const unreached = new Set(leftOut);
  const reached = jobs.filter((job) => !unreached.has(job));
  return reached.length > 0 ? reached : jobs.slice(0, 1);
}

type Count = <T>(value: T) => T;

/**
 * Where bodies of inline functions are all that changes: the objects that call none of them. What the unchanged sources
 * call is kept. Undefined where more changes.
 */
async function unreachedByName(
  readers: readonly CompileJob[],
  patch: ReadPatch,
  { kernel, staged, compilers, signal }: Searching,
  count: Count,
): Promise<CompileJob[] | undefined> {
  if (patch.base.size > 0) return undefined;
  const changed = new Map<string, Set<string> | undefined>();
  for (const [path, text] of patch.changed) {
    const before = patch.originals.get(path) ?? null;
    changed.set(path, before === null || text === null ? undefined : changedInlineFunctions(before, text));
  }
  const namesFor = ({ saved }: CompileJob) =>
    saved.dependencies.filter((file) => changed.has(file)).map((file) => changed.get(file));
  // None: it reads what a script makes of a changed file.
  if (readers.some((job) => namesFor(job).includes(undefined) || namesFor(job).length === 0)) return undefined;
  const isLeftOut = await mapAtOnce(readers, compilers, async (job) => {
    const isUnreached = count(await unreachedNamesIn(job, kernel, staged.dir, signal));
    return namesFor(job).every((names) => names !== undefined && [...names].every(isUnreached));
  });
  return readers.filter((_, index) => isLeftOut[index] === true);
}

/**
 * The objects for which the preprocessed sources, without and with the patch, mean the same. A patch that reaches each of
 * a few reaches most: then the rest is not asked about.
 */
async function unreachedByText(
  readers: readonly CompileJob[],
  { base, changed }: ReadPatch,
  { staged, compilers, signal }: Searching,
  count: Count,
): Promise<CompileJob[]> {
  const unreached: CompileJob[] = [];
  const every = Math.max(1, Math.floor(readers.length / sampleSize));
  const sample = readers.filter((_, index) => index % every === 0).slice(0, sampleSize);
  const rest = readers.filter((job) => !sample.includes(job));
  for (const batch of [sample, ...batchesOf(rest)]) {
    if (batch !== sample && unreached.length === 0) break;
    if (base.size > 0) await staged.change(base);
    const before = await mapAtOnce(batch, compilers, async (job) => preprocessObject(job, staged.dir, signal));
    await staged.change(changed);
    await mapAtOnce([...batch.entries()], compilers, async ([index, job]) => {
      const [was, is] = [before[index], count(await preprocessObject(job, staged.dir, signal))];
      if (was !== undefined && is !== undefined && meansTheSame(was, is)) unreached.push(job);
    });
    await staged.restore();
  }
  return unreached;
}

function batchesOf(jobs: readonly CompileJob[]): CompileJob[][] {
  const count = Math.ceil(jobs.length / batchSize);
  return Array.from({ length: count }, (_, index) => jobs.slice(index * batchSize, (index + 1) * batchSize));
}
