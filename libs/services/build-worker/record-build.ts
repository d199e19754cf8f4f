// SPDX-License-Identifier: GPL-2.0-only
import type { BuildRecord, RecordedDiff } from '@lockstep/domain/build-record';
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import type { BuildInputs, SourceDiff } from '@lockstep/io/job-queue';
import type { KernelBuild } from '@lockstep/io/kernel-builder';
import { lockstepVersion, sha256OfBytes } from '@lockstep/platform/runtime';
import { parseSha256 } from '@lockstep/domain/livepatch-model';

const recordedDiff = ({ patchName, diff }: SourceDiff): RecordedDiff => ({
  name: patchName,
  sha256: sha256OfBytes(Buffer.from(diff, 'base64')),
});

/** What goes into the module about its build. */
export const recordOf = (
  { patch, diffs, onto, reproduce }: BuildInputs,
  module: ModuleName,
  { id, release, compiler, configSha256 }: KernelBuild,
): BuildRecord => ({
  module,
  patch,
  diffs: diffs.map(recordedDiff),
  onto: onto.map(recordedDiff),
  kernelBuild: id,
  release,
  configSha256: parseSha256(configSha256),
  compiler,
  builderVersion: lockstepVersion,
  ...(reproduce === true ? { reproduced: true } : {}),
});
