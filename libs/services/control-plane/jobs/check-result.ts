// SPDX-License-Identifier: GPL-2.0-only
import { manifestFromWire, manifestToWire } from '@lockstep/contracts/wire';
import {
  LockstepError,
  parseKernelBuildId,
  parseSha256,
  type ArtifactManifest,
} from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { BuildRecord, KernelBuildFacts } from '@lockstep/io/database';
import type { JobResult } from '@lockstep/io/job-queue';

function wrong(message: string, fields: Record<string, string>): LockstepError {
  return new LockstepError('corrupt', 'wrong-result', `A worker's result does not fit its job: ${message}`, fields);
}

/**
 * A worker's manifest is what it says; the control plane signs it, so it looks for itself: that the manifest is about
 * this build, and that the store holds exactly that file. @throws LockstepError `corrupt`, `not-found`, `invalid-input`.
 */
export async function checkBuildResult(
  build: BuildRecord,
  result: JobResult,
  artifacts: ArtifactStore,
): Promise<ArtifactManifest> {
  if (result.kind !== 'build') throw wrong(`it is of kind ${result.kind}.`, { build: build.id });
  const manifest = manifestFromWire(manifestToWire(result.artifact));
  if (manifest.kernelBuild !== build.kernelBuild || manifest.patch !== build.patch) {
    const message = `it is of patch ${manifest.patch} for kernel build ${manifest.kernelBuild}.`;
    throw wrong(message, { build: build.id });
  }
  if (manifest.patchName !== build.patchName) throw wrong(`it names patch ${manifest.patchName}.`, { build: build.id });
  if (manifest.functions.length === 0) throw wrong('it changes no function.', { build: build.id });
  await artifacts.verify(manifest);
  return manifest;
}

/** @throws LockstepError `corrupt`, `invalid-input`. */
export function checkRegistrationResult(id: string, result: JobResult): KernelBuildFacts {
  if (result.kind !== 'register-kernel') throw wrong(`it is of kind ${result.kind}.`, { registration: id });
  const { release, compiler } = result;
  if (release === '') throw wrong('it names no release.', { registration: id });
  return { id: parseKernelBuildId(result.id), release, compiler, configSha256: parseSha256(result.configSha256) };
}
