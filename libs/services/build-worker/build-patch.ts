// SPDX-License-Identifier: GPL-2.0-only
import { writeLivepatchModule } from '@lockstep/domain/klp-module';
import { moduleNameOf, type ArtifactManifest } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { Job, JobContext } from '@lockstep/io/job-queue';
import { compilePatch, type KernelBuild } from '@lockstep/io/kernel-builder';

export type BuildJob = Extract<Job, { kind: 'build' }>;

/**
 * From a source diff to a stored livepatch module: compile what it touches, compare, write, keep.
 * @throws LockstepError what the four say: `diff-does-not-apply`, `compile-failed`, `unsupported-change`, …
 */
export async function buildPatch(
  job: BuildJob,
  kernel: KernelBuild,
  artifacts: ArtifactStore,
  { onProgress, signal }: JobContext,
): Promise<ArtifactManifest> {
  const { facts } = kernel;
  const { objects } = await compilePatch({ kernel, diff: Buffer.from(job.diff, 'base64'), onProgress, signal });
  const diffs = objects.map(({ object, objectPath, original, patched }, done) => {
    onProgress({ stage: 'compare objects', done, total: objects.length });
    return { object, diff: diffObjects({ original, patched, objectPath, tables: facts.tables }) };
  });
  onProgress({ stage: 'write the module', done: 0, total: 1 });
  const moduleName = moduleNameOf(job.patchName, job.patch);
  const { bytes, functions } = writeLivepatchModule({ facts, diffs, moduleName, patchId: job.patch, replace: false });
  const { sha256, sizeBytes } = await artifacts.put(bytes);
  const { kernelBuild, patch, patchName } = job;
  return { sha256, sizeBytes, kernelBuild, moduleName, patch, patchName, replace: false, functions };
}
