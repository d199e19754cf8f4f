// SPDX-License-Identifier: GPL-2.0-only
import { moduleNameOf, type ArtifactManifest } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { Job, JobContext } from '@lockstep/io/job-queue';
import { buildLivepatch, type KernelBuild } from '@lockstep/io/kernel-builder';

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
  const moduleName = moduleNameOf(job.patchName, job.patch);
  const { bytes, functions } = await buildLivepatch({
    kernel,
    diff: Buffer.from(job.diff, 'base64'),
    moduleName,
    patchId: job.patch,
    replace: false,
    onProgress,
    signal,
  });
  const { sha256, sizeBytes } = await artifacts.put(bytes);
  const { kernelBuild, patch, patchName } = job;
  return { sha256, sizeBytes, kernelBuild, moduleName, patch, patchName, replace: false, functions };
}
