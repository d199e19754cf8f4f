// SPDX-License-Identifier: GPL-2.0-only
import { readBuildRecord } from '@lockstep/domain/build-record';
import {
  checkModule,
  hasModuleSignature,
  readBuildSignature,
  withoutModuleSignature,
} from '@lockstep/domain/klp-module';
import { manifestFromWire, manifestToWire } from '@lockstep/contracts/wire';
import { LockstepError, parseKernelBuildId, parseSha256 } from '@lockstep/domain/livepatch-model';
import type { VendorProof } from '@lockstep/domain/vendor-kernel';
import { readWhole, type ArtifactStore } from '@lockstep/io/artifact-store';
import type { BuildRecord, BuildResult, KernelBuildFacts } from '@lockstep/io/database';
import type { ExplainedFunction, JobResult } from '@lockstep/io/job-queue';

function wrong(message: string, fields: Record<string, string>): LockstepError {
  return new LockstepError('corrupt', 'wrong-result', `A worker's result does not fit its job: ${message}`, fields);
}

/** Plain data for people: only its shape matters. */
function checkExplanation(explanation: readonly ExplainedFunction[], build: string): ExplainedFunction[] {
  const isText = (value: unknown): value is string => typeof value === 'string';
  return explanation.map(({ object, name, sympos, objectPath, reasons }) => {
    if (![object, name, objectPath, ...reasons].every(isText) || !Number.isSafeInteger(sympos)) {
      throw wrong('its explanation is malformed.', { build });
    }
    return { object, name, sympos, objectPath, reasons: [...reasons] };
  });
}

/** Likewise: the control plane has no vendor's kernel to look at. */
function checkProofs(proofs: readonly VendorProof[], build: string): VendorProof[] {
  return proofs.map(({ object, vendorSha256, functions, equal, overridden }) => {
    const areNames = [object, ...overridden].every((name) => typeof name === 'string');
    if (!areNames || ![functions, equal].every((count) => Number.isSafeInteger(count) && count >= 0))
      throw wrong('its proofs are malformed.', { build });
    return { object, vendorSha256: parseSha256(vendorSha256), functions, equal, overridden: [...overridden] };
  });
}

/**
 * A worker's manifest is what it says; the control plane signs it, so it looks for itself: that the manifest is about
 * this build, that the store holds exactly that file, and that the file is the module that it is said to be. @throws LockstepError `corrupt`, `not-found`, `invalid-input`.
 */
export async function checkBuildResult(
  build: BuildRecord,
  result: JobResult,
  artifacts: ArtifactStore,
  expected: { readonly replace: boolean; readonly release: string },
): Promise<BuildResult> {
  if (result.kind !== 'build') throw wrong(`it is of kind ${result.kind}.`, { build: build.id });
  const manifest = manifestFromWire(manifestToWire(result.artifact));
  if (manifest.kernelBuild !== build.kernelBuild || manifest.patch !== build.patch) {
    const message = `it is of patch ${manifest.patch} for kernel build ${manifest.kernelBuild}.`;
    throw wrong(message, { build: build.id });
  }
  if (manifest.patchName !== build.patchName) throw wrong(`it names patch ${manifest.patchName}.`, { build: build.id });
  if (manifest.replace !== expected.replace) throw wrong('it replaces others, or does not.', { build: build.id });
  const hasEffect = manifest.functions.length > 0 || manifest.caveats?.some(({ kind }) => kind === 'callbacks-only');
  if (hasEffect !== true) throw wrong('it changes no function.', { build: build.id });
  await artifacts.verify(manifest);
  const bytes = await readWhole(artifacts, manifest.sha256);
  checkModule(bytes, manifest, expected.release);
  if (build.reproduce) insistRecordedTwice(bytes, build);
  return {
    artifact: manifest,
    explanation: checkExplanation(result.explanation, build.id),
    proofs: checkProofs(result.proofs, build.id),
    moduleSigner: hasModuleSignature(bytes) ? keyIdOf(result.moduleKeyId) : '',
  };
}

/** So that what is signed says of itself that two have built it, to whoever has the file. */
function insistRecordedTwice(bytes: Uint8Array, { id }: BuildRecord): void {
  const content = readBuildSignature(bytes)?.content ?? withoutModuleSignature(bytes);
  if (readBuildRecord(content)?.reproduced === true) return;
  throw wrong('it was to be built by two workers, and its module does not say that it was.', { build: id });
}

/** As the worker says; null where that is no key id. */
const keyIdOf = (said: string | undefined): string | null =>
  /^[0-9a-f]{2,128}$/.test(said ?? '') ? (said ?? null) : null;

/** @throws LockstepError `corrupt`, `invalid-input`. */
export function checkRegistrationResult(id: string, result: JobResult): KernelBuildFacts {
  if (result.kind !== 'register-kernel') throw wrong(`it is of kind ${result.kind}.`, { registration: id });
  const { release, compiler } = result;
  if (release === '') throw wrong('it names no release.', { registration: id });
  return { id: parseKernelBuildId(result.id), release, compiler, configSha256: parseSha256(result.configSha256) };
}
