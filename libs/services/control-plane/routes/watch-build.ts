// SPDX-License-Identifier: GPL-2.0-only
import { BuildStatus, type WatchBuildRequest, type WatchBuildResponse } from '@lockstep/contracts/generated';
import type { CallContext } from '../grpc/call-route';
import type { Services } from '../services';
import { buildToWire } from '../views/build-view';

export async function* watchBuild(
  { db, changes }: Services,
  { id }: WatchBuildRequest,
  { signal }: CallContext,
): AsyncGenerator<WatchBuildResponse> {
  const read = async () => buildToWire(await db.builds.require(id));
  const hasEnded = ({ status }: { status: BuildStatus }) =>
    status === BuildStatus.BUILD_STATUS_SUCCEEDED || status === BuildStatus.BUILD_STATUS_FAILED;
  for await (const build of changes.watch(`build:${id}`, read, hasEnded, signal)) yield { build };
}
