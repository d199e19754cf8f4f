// SPDX-License-Identifier: GPL-2.0-only
import type { Build, Priority } from '@lockstep/contracts/generated';
import { LockstepError, parseKernelBuildId, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { BuildRecord, BuildWish } from '@lockstep/io/database';
import type { Stores, Uses } from '../services';
import { buildsToWire, priorityFromWire } from '../views/build-view';

/** The kernel builds that a request names; every one if it names none. */
export async function chosenKernels(db: Stores<'kernelBuilds'>, ids: readonly string[]): Promise<KernelBuildId[]> {
  if (ids.length > 0) {
    // All are read before any is asked for: nobody would wait for those that were.
    const wanted = new Set(ids.map(parseKernelBuildId));
    const kernels = await Promise.all([...wanted].map((id) => db.kernelBuilds.require(id)));
    return kernels.map(({ id }) => id);
  }
  const all = (await db.kernelBuilds.list()).map(({ id }) => id);
  if (all.length > 0) return all;
  throw new LockstepError(
    'refused',
    'no-kernel-build',
    'There is no kernel build to build the patch for: register one with `lockstep kernel add`.',
  );
}

/** A build whose file is gone or damaged is as good as none: asking for it again builds it again. */
async function replaceLost(
  { db, artifacts }: Uses<'db.builds' | 'artifacts'>,
  build: BuildRecord,
): Promise<BuildRecord> {
  if (build.artifact === null) return build;
  try {
    await artifacts.verify(build.artifact);
    return build;
  } catch (error) {
    const isLost = error instanceof LockstepError && ['artifact-missing', 'artifact-damaged'].includes(error.reason);
    if (!isLost) throw error;
    return db.builds.rebuild(build);
  }
}

/** What queueing builds needs. */
export type BuildQueuer = 'db.builds' | 'db.patches' | 'db.kernelBuilds' | 'artifacts' | 'work' | 'metrics';

/** Keeps the builds, then asks the queue: each step finds the one before done when it is repeated. */
export async function queueBuilds(
  services: Uses<BuildQueuer>,
  wishes: readonly BuildWish[],
  priority: Priority,
): Promise<Build[]> {
  const { db, work, metrics } = services;
  const queued = await db.builds.queue(wishes, priorityFromWire(priority));
  const builds = await Promise.all(queued.map((build) => replaceLost(services, build)));
  for (const build of builds) {
    metrics.builds.noteRequest(build.status === 'succeeded');
    if (build.endedAt === null) work.requestWithPriority(build);
  }
  return buildsToWire(db, builds);
}
