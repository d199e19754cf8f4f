// SPDX-License-Identifier: GPL-2.0-only
import {
  BuildStatus,
  Priority,
  type Build,
  type BuildLogLine,
  type KernelBuild,
  type Patch,
} from '@lockstep/contracts/generated';
import { manifestToWire } from '@lockstep/contracts/wire';
import { LockstepError, type PatchId, type PatchName } from '@lockstep/domain/livepatch-model';
import type {
  BuildLogRow,
  BuildPriority,
  BuildRecord,
  KernelBuildRecord,
  KernelCopyRecord,
  PatchRecord,
} from '@lockstep/io/database';
import type { Stores } from '../services';
import { statusFromWire } from './status-filter';

const statusToWire: Readonly<Record<BuildRecord['status'], BuildStatus>> = {
  queued: BuildStatus.BUILD_STATUS_QUEUED,
  running: BuildStatus.BUILD_STATUS_RUNNING,
  succeeded: BuildStatus.BUILD_STATUS_SUCCEEDED,
  failed: BuildStatus.BUILD_STATUS_FAILED,
  cancelled: BuildStatus.BUILD_STATUS_CANCELLED,
};

/** @throws LockstepError `invalid-status` for one that this version does not know. */
export function buildStatusFromWire(status: BuildStatus | undefined): BuildRecord['status'] | undefined {
  return statusFromWire(statusToWire, status);
}

const priorityToWire: Readonly<Record<BuildPriority, Priority>> = {
  high: Priority.PRIORITY_HIGH,
  normal: Priority.PRIORITY_NORMAL,
  low: Priority.PRIORITY_LOW,
};

/** @throws LockstepError `invalid-priority` for one that this version does not know. */
export function priorityFromWire(priority: Priority): BuildPriority {
  switch (priority) {
    case Priority.PRIORITY_HIGH:
      return 'high';
    case Priority.PRIORITY_UNSPECIFIED:
    case Priority.PRIORITY_NORMAL:
      return 'normal';
    case Priority.PRIORITY_LOW:
      return 'low';
    default:
      throw new LockstepError('invalid-input', 'invalid-priority', 'The priority is not high, normal or low.');
  }
}

/** Names for the patches that builds and patches refer to by id. */
export type PatchNames = ReadonlyMap<PatchId, PatchName>;

const namesOf = (ids: readonly PatchId[], names: PatchNames): string[] => ids.map((id) => names.get(id) ?? id);

function buildToWire(build: BuildRecord, names: PatchNames): Build {
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
    priority: priorityToWire[build.priority],
    builtOnto: namesOf(build.onto, names),
    reproduce: build.reproduce,
    proofs: build.proofs.map(({ overridden, ...proof }) => ({ ...proof, overridden: [...overridden] })),
  };
}

/** Builds as callers see them. */
export async function buildsToWire(db: Stores<'patches'>, builds: readonly BuildRecord[]): Promise<Build[]> {
  const names = await db.patches.names(builds.flatMap(({ onto }) => onto));
  return builds.map((build) => buildToWire(build, names));
}

export async function oneBuildToWire(db: Stores<'patches'>, build: BuildRecord): Promise<Build> {
  return buildToWire(build, await db.patches.names(build.onto));
}

export async function patchesToWire(db: Stores<'patches'>, patches: readonly PatchRecord[]): Promise<Patch[]> {
  const names = await db.patches.names(patches.flatMap(({ combines }) => combines));
  return patches.map(({ cves, combines, allowedTypeChanges, ...rest }) => {
    const allowed = allowedTypeChanges && { ...allowedTypeChanges, types: [...allowedTypeChanges.types] };
    return { ...rest, cves: [...cves], combines: namesOf(combines, names), allowedTypeChanges: allowed };
  });
}

export async function onePatchToWire(db: Stores<'patches'>, patch: PatchRecord): Promise<Patch | undefined> {
  return (await patchesToWire(db, [patch]))[0];
}

export const logLineToWire = ({ at, worker, text }: BuildLogRow): BuildLogLine => ({ at, worker, text });

export function kernelToWire(kernel: KernelBuildRecord, copy: KernelCopyRecord | null | undefined): KernelBuild {
  const { id, release, compiler, configSha256, addedAt } = kernel;
  return { id, release, compiler, configSha256, addedAt, sharedBytes: copy?.sizeBytes ?? 0 };
}
