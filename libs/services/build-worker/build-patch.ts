// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ModuleName } from '@lockstep/domain/livepatch-model';
import { withBuildRecord } from '@lockstep/domain/build-record';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import {
  needsAnotherWorkerReason,
  type BuildInputs,
  type Job,
  type JobContext,
  type JobOutcome,
  type JobResult,
  type SourceDiff,
} from '@lockstep/io/job-queue';
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
import type { WorkerSigner } from './read-signers';
import { recordOf } from './record-build';
import { keepDifferences, readDifferences } from './differences-file';
import { divideObjects } from './divide-build';
import { explainBuild } from './explain-build';
import { insistReproduced } from './reproduced';

type BuildJob = Extract<Job, { kind: 'build' }>;
type AgainJob = Extract<Job, { kind: 'build-again' }>;
type PartJob = Extract<Job, { kind: 'build-part' }>;

export interface BuildPlace {
  /** See `workPlaceId`. */
  readonly id: string;
  readonly kernel: KernelBuild;
  readonly artifacts: ArtifactStore;
  /** Vouches for what is built here, with the keys that there are. */
  readonly signer: WorkerSigner;
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

/** A module that nobody has signed. */
interface Linked extends Omit<Awaited<ReturnType<typeof linkLivepatch>>, 'bytes'> {
  readonly moduleName: ModuleName;
  /** With its build record. */
  readonly recorded: Uint8Array;
}

async function linkUnsigned(
  job: BuildJob | AgainJob,
  compared: readonly ComparedObject[],
  { kernel }: BuildPlace,
  { onProgress }: JobContext,
): Promise<Linked> {
  onProgress({ stage: 'write the module', done: 0, total: 1 });
  const { patch, replace } = job;
  const moduleName = moduleNameFor(job);
  const { bytes, ...linked } = await linkLivepatch({
    ...{ kernel, sources: sourcesOf(job), compared, moduleName, replace },
    patchId: patch,
    allowedTypeChanges: allowedIn(job),
  });
  return { ...linked, moduleName, recorded: withBuildRecord(bytes, recordOf(job, moduleName, kernel)) };
}

async function signAndKeep(
  job: BuildJob | AgainJob,
  compared: readonly ComparedObject[],
  linked: Linked,
  { artifacts, signer }: BuildPlace,
  { log }: JobContext,
): Promise<JobResult> {
  const { kernelBuild, patch, patchName, replace } = job;
  const { moduleName, functions, remarks, caveats, proofs, recorded } = linked;
  const { sha256, sizeBytes } = await artifacts.put(await signer.sign(recorded));
  for (const remark of remarks) log(remark);
  log(`module ${moduleName}: ${functions.length} functions, ${sizeBytes} bytes, sha256 ${sha256}`);
  const artifact = { sha256, sizeBytes, kernelBuild, moduleName, patch, patchName, replace, functions, caveats };
  const { moduleKeyId } = signer;
  return { kind: 'build', artifact, explanation: explainBuild(compared, functions), proofs, moduleKeyId };
}

async function link(
  job: BuildJob,
  compared: readonly ComparedObject[],
  place: BuildPlace,
  context: JobContext,
): Promise<JobResult> {
  return signAndKeep(job, compared, await linkUnsigned(job, compared, place, context), place, context);
}

/**
 * One that two workers are to build, each all of it: the first keeps what it has built unsigned, and asks for another one. What
 * that has built and signed is the result.
 */
async function buildFirst(job: BuildJob, place: BuildPlace, context: JobContext): Promise<JobOutcome> {
  const [again] = context.parts ?? [];
  if (again !== undefined) return again;
  const { recorded } = await linkUnsigned(job, await compare(job, place, context), place, context);
  const { sha256: unsigned } = await place.artifacts.put(recorded);
  context.log(`built, sha256 ${unsigned} without a signature: another worker is to build it again before it is signed`);
  const asked: AgainJob = { ...job, kind: 'build-again', first: { unsigned, place: place.id } };
  return { kind: 'parts', parts: [{ job: asked, weight: 1 }] };
}

/** @throws LockstepError `unavailable` `needs-another-worker` */
export function insistOtherPlace({ first }: AgainJob, id: string): void {
  if (first.place !== id) return;
  const message =
    'This worker has built it the first time; it is to be built again by another one, with a cache of its own, before it is ' +
    'signed. Where there is no other, start one, or cancel the build and submit the patch without --reproduce.';
  throw new LockstepError('unavailable', needsAnotherWorkerReason, message);
}

/** The second time, by another worker: what comes out is signed if it is the same. @throws LockstepError `not-reproduced` */
export async function buildAgain(job: AgainJob, place: BuildPlace, context: JobContext): Promise<JobResult> {
  const compared = await compare(job, place, context);
  const linked = await linkUnsigned(job, compared, place, context);
  await insistReproduced(job.first.unsigned, linked.recorded, place.artifacts);
  context.log('built again, the same byte for byte: it is signed');
  return signAndKeep(job, compared, linked, place, context);
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
  if (job.reproduce === true) return buildFirst(job, place, context);
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
