// SPDX-License-Identifier: GPL-2.0-only
import { BuildStatus, type Build, type KernelBuild, type Patch } from '@lockstep/contracts/generated';
import { manifestToWire } from '@lockstep/contracts/wire';
import type { BuildRecord, KernelBuildRecord, PatchRecord } from '@lockstep/io/database';

const statusToWire: Readonly<Record<BuildRecord['status'], BuildStatus>> = {
  queued: BuildStatus.BUILD_STATUS_QUEUED,
  running: BuildStatus.BUILD_STATUS_RUNNING,
  succeeded: BuildStatus.BUILD_STATUS_SUCCEEDED,
  failed: BuildStatus.BUILD_STATUS_FAILED,
};

export function buildToWire(build: BuildRecord): Build {
  const { failure } = build;
  return {
    id: build.id,
    patchId: build.patch,
    patchName: build.patchName,
    kernelBuildId: build.kernelBuild,
    status: statusToWire[build.status],
    progress: build.status === 'running' ? { ...build.progress } : undefined,
    artifact: build.artifact === null ? undefined : manifestToWire(build.artifact),
    failure: failure === null ? undefined : { reason: failure.reason, message: failure.message },
    queuedAt: build.queuedAt,
    endedAt: build.endedAt ?? undefined,
    attempts: build.attempts,
  };
}

export function patchToWire({ id, name, description, author, cves, submittedAt }: PatchRecord): Patch {
  return { id, name, description, author, cves: [...cves], submittedAt };
}

export function kernelToWire({ id, release, compiler, configSha256, addedAt }: KernelBuildRecord): KernelBuild {
  return { id, release, compiler, configSha256, addedAt };
}
