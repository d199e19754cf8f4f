// SPDX-License-Identifier: GPL-2.0-only
import { BuildStatus, type WatchBuildRequest, type WatchBuildResponse } from '@lockstep/contracts/generated';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { logLineToWire, oneBuildToWire } from '../views/build-view';

const open: readonly BuildStatus[] = [BuildStatus.BUILD_STATUS_QUEUED, BuildStatus.BUILD_STATUS_RUNNING];

/** Lines are kept whole: one that was sent is not sent again. */
export async function* watchBuild(
  { db, work, changes }: Uses<'db.builds' | 'db.patches' | 'work' | 'changes'>,
  { id }: WatchBuildRequest,
  { signal }: CallContext,
): AsyncGenerator<WatchBuildResponse> {
  let sent = 0;
  const read = async () => {
    const record = await db.builds.require(id);
    const lines = await work.log(record, sent);
    return { build: await oneBuildToWire(db, record), known: sent + lines.length, lines };
  };
  // What was sent is no news: only the number of lines tells whether there are more.
  const newsOf = ({ build, known }: Awaited<ReturnType<typeof read>>) => ({ build, known });
  const isLast = ({ build }: { build: { status: BuildStatus } }) => !open.includes(build.status);
  for await (const { build, known, lines } of changes.watch(`build:${id}`, read, isLast, signal, newsOf)) {
    sent = known;
    yield { build, logLines: lines.map(logLineToWire) };
  }
}
