// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { withBuildRecord } from '@lockstep/domain/build-record';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { BuildInputs, Job, JobContext, JobOutcome, JobResult, SourceDiff } from '@lockstep/io/job-queue';
import {
  comparePatch,
  linkLivepatch,
  planPatch,
  type ComparedObject,
  type KernelBuild,
  type NamedDiff,
  type PatchSources,
} from '@lockstep/io/kernel-builder';
import type { AllowedTypeChanges } from '@lockstep/domain/type-layouts';
import { moduleNameFor } from './build-identity';
import type { SignModule } from './read-signers';
import { recordOf } from './record-build';
import { keepDifferences, readDifferences } from './differences-file';
import { divideObjects } from './divide-build';
import { explainBuild } from './explain-build';

type BuildJob = Extract<Job, { kind: 'build' }>;
type PartJob = Extract<Job, { kind: 'build-part' }>;

export interface BuildPlace {
  readonly kernel: KernelBuild;
  readonly artifacts: ArtifactStore;
  /** Vouches for what is built here, with the keys that there are. */
  readonly sign: SignModule;
  /** Compilers at once; undefined: as many as processors. */
  readonly compilers: number | undefined;
}

const named = ({ patchName, diff, fuzz, mayChangeBuild }: SourceDiff): NamedDiff => ({
  ...{ name: patchName, text: Buffer.from(diff, 'base64') },
  fuzz,
  mayChangeBuild,
});

/** The words of all authors; several types of one patch share its reason. */
function allowedIn({ diffs }: BuildInputs): AllowedTypeChanges | undefined {
  const all = diffs.flatMap(({ allowedTypeChanges }) => allowedTypeChanges ?? []);
  if (all.length === 0) return undefined;
  return { types: all.flatMap(({ types }) => types), because: all.map(({ because }) => because).join('; ') };
}

/** A single diff needs no name in its errors. */
function sourcesOf({ diffs, onto }: BuildInputs): PatchSources {
  const [only, ...others] = diffs;
  const isAlone = only !== undefined && others.length === 0;
  const diff = isAlone ? [{ ...named(only), name: '' }] : diffs.map(named);
  return { diff, onto: onto.map(named) };
}

async function compare(
  job: BuildInputs,
  { kernel, compilers }: BuildPlace,
  { onProgress, log, signal }: JobContext,
  objectPaths?: readonly string[],
): Promise<readonly ComparedObject[]> {
  const begun = performance.now();
  const allowedTypeChanges = allowedIn(job);
  const options = { kernel, ...sourcesOf(job), allowedTypeChanges, objectPaths, compilers, onProgress, signal };
  const { objects: compared, path, makeReasons } = await comparePatch(options);
  const seconds = ((performance.now() - begun) / 1000).toFixed(2);
  const of = objectPaths === undefined ? '' : ` of ${objectPaths.length}`;
  if (path === 'make') log(`built through make: ${makeReasons.join('; ')}`);
  log(`compared in ${seconds} s: ${compared.length}${of} objects differ: ${pathList(compared)}`);
  return compared;
}

const pathList = (compared: readonly ComparedObject[]): string =>
  compared.map(({ diff }) => diff.objectPath).join(', ') || 'none';

async function link(
  job: BuildJob,
  compared: readonly ComparedObject[],
  { kernel, artifacts, sign }: BuildPlace,
  { onProgress, log }: JobContext,
): Promise<JobResult> {
  onProgress({ stage: 'write the module', done: 0, total: 1 });
  const { kernelBuild, patch, patchName, replace } = job;
  const moduleName = moduleNameFor(job);
  const { bytes, functions, remarks, caveats, proofs } = await linkLivepatch({
    ...{ kernel, sources: sourcesOf(job), compared, moduleName, replace },
    patchId: patch,
    allowedTypeChanges: allowedIn(job),
  });
  const recorded = withBuildRecord(bytes, recordOf(job, moduleName, kernel));
  const { sha256, sizeBytes } = await artifacts.put(await sign(recorded));
  for (const remark of remarks) log(remark);
  log(`module ${moduleName}: ${functions.length} functions, ${sizeBytes} bytes, sha256 ${sha256}`);
  const artifact = { sha256, sizeBytes, kernelBuild, moduleName, patch, patchName, replace, functions, caveats };
  return { kind: 'build', artifact, explanation: explainBuild(compared, functions), proofs };
}

/** The runs of objects that workers share; the same whoever asks. */
async function divide(
  job: BuildJob,
  { kernel, compilers }: BuildPlace,
  { onProgress, log, signal }: JobContext,
): Promise<string[][]> {
  const plan = await planPatch({ kernel, ...sourcesOf(job), compilers, onProgress, signal });
  for (const line of plan.remarks) log(line);
  return divideObjects(plan.objectPaths);
}

/** What the parts found, in order; a part whose file is gone again is done here. */
async function collect(
  job: BuildJob,
  parts: readonly JobResult[],
  place: BuildPlace,
  context: JobContext,
): Promise<ComparedObject[]> {
  const all: ComparedObject[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.kind !== 'build-part') throw new LockstepError('corrupt', 'wrong-part', `A part answered ${part.kind}.`);
    try {
      all.push(...(await readDifferences(place.artifacts, part.differences)));
    } catch (error) {
      const isGone = error instanceof LockstepError && error.reason === 'artifact-missing';
      if (!isGone) throw error;
      all.push(...(await compare(job, place, context, (await divide(job, place, context))[index])));
    }
  }
  return all;
}

/**
 * From source diffs to a stored livepatch module: compile what they touch, compare, write, keep. What reaches many
 * objects is divided into parts for whichever workers are free, and ended here when they are done.
 * @throws LockstepError what these say: `diff-does-not-apply`, `compile-failed`, `unsupported-change`, …
 */
export async function buildPatch(job: BuildJob, place: BuildPlace, context: JobContext): Promise<JobOutcome> {
  if (context.parts !== undefined) return link(job, await collect(job, context.parts, place, context), place, context);
  const runs = await divide(job, place, context);
  if (runs.length === 1) return link(job, await compare(job, place, context), place, context);
  context.log(`divided: ${runs.flat().length} objects in ${runs.length} parts`);
  const parts = runs.map((objectPaths) => {
    const part: PartJob = { ...job, kind: 'build-part', objectPaths };
    return { job: part, weight: objectPaths.length };
  });
  return { kind: 'parts', parts };
}

/** One part of such a build. */
export async function buildPart(job: PartJob, place: BuildPlace, context: JobContext): Promise<JobResult> {
  const compared = await compare(job, place, context, job.objectPaths);
  return { kind: 'build-part', differences: await keepDifferences(place.artifacts, compared) };
}
