// SPDX-License-Identifier: GPL-2.0-only
import type { BuildLogLine, GetBuildRequest, GetBuildResponse } from '@lockstep/contracts/generated';
import type { Uses } from '../services';
import { logLineToWire, oneBuildToWire } from '../views/build-view';

export async function getBuild(
  { db, work }: Uses<'db.builds' | 'db.patches' | 'work'>,
  { id }: GetBuildRequest,
): Promise<GetBuildResponse> {
  const build = await db.builds.require(id);
  const logLines: BuildLogLine[] = [];
  for await (const lines of work.log(build, 0)) for (const line of lines) logLines.push(logLineToWire(line));
  return { build: await oneBuildToWire(db, build), logLines };
}
