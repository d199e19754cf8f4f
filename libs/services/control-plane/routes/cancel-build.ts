// SPDX-License-Identifier: GPL-2.0-only
import type { CancelBuildRequest, CancelBuildResponse } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';
import { oneBuildToWire } from '../views/build-view';

/** @throws LockstepError `refused` `build-ended`. */
export async function cancelBuild(
  { db, work }: Uses<'db.builds' | 'db.patches' | 'work'>,
  { id }: CancelBuildRequest,
): Promise<CancelBuildResponse> {
  const build = await db.builds.require(id);
  if (build.endedAt !== null && build.status !== 'cancelled') {
    const message = `The build has ended already: it is ${build.status}.`;
    throw new LockstepError('refused', 'build-ended', message, { build: id, status: build.status });
  }
  if (build.endedAt === null) await work.cancel(build);
  return { build: await oneBuildToWire(db, await db.builds.require(id)) };
}
