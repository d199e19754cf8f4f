// SPDX-License-Identifier: GPL-2.0-only
import {
  BuildLogLine,
  BuildStatus,
  type WatchBuildRequest,
  type WatchBuildResponse,
} from '@lockstep/contracts/generated';
import { groupsBySize } from '@lockstep/contracts/wire';
import type { CallContext } from '../grpc/call-route';
import { awaitedWorker } from '../jobs/awaited-worker';
import type { Uses } from '../services';
import { logLineToWire, oneBuildToWire } from '../views/build-view';

const sizeOf = (line: BuildLogLine): number => BuildLogLine.encode(line).finish().length;
const open: readonly BuildStatus[] = [BuildStatus.BUILD_STATUS_QUEUED, BuildStatus.BUILD_STATUS_RUNNING];

/** Lines are kept whole: one that was sent, or that the caller has, is not sent again. */
export async function* watchBuild(
  { db, work, changes }: Uses<'db.builds' | 'db.patches' | 'work' | 'changes'>,
  { id, fromLine }: WatchBuildRequest,
  { signal }: CallContext,
): AsyncGenerator<WatchBuildResponse> {
  let sent = fromLine;
  const read = async () => {
    const record = await db.builds.require(id);
    const pieces = work.log(record, sent);
    const { value: lines = [] } = await pieces.next();
    const build = await oneBuildToWire(db, record);
    const stage = record.status === 'queued' ? await awaitedWorker(work) : '';
    if (stage !== '') build.progress = { stage, done: 0, total: 0 };
    return { build, known: sent + lines.length, lines, pieces };
  };
  // What was sent is no news: only the number of lines tells whether there are more.
  const newsOf = ({ build, known }: Awaited<ReturnType<typeof read>>) => ({ build, known });
  const isLast = ({ build }: { build: { status: BuildStatus } }) => !open.includes(build.status);
  for await (const { build, lines, pieces } of changes.watch(`build:${id}`, read, isLast, signal, newsOf)) {
    if (lines.length === 0) yield { build, logLines: [], nextLine: sent };
    for (let piece = lines; piece.length > 0 && !signal.aborted; piece = (await pieces.next()).value ?? []) {
      for (const group of groupsBySize(piece.map(logLineToWire), sizeOf)) {
        sent += group.length;
        yield { build, logLines: group, nextLine: sent };
      }
    }
  }
}
