// SPDX-License-Identifier: GPL-2.0-only
import type { GetBuildRequest, GetBuildResponse } from '@lockstep/contracts/generated';
import type { Services } from '../services';
import { logLineToWire, oneBuildToWire } from '../views/build-view';

export async function getBuild({ db, work }: Services, { id }: GetBuildRequest): Promise<GetBuildResponse> {
  const build = await db.builds.require(id);
  const log = await work.log(build, 0);
  return { build: await oneBuildToWire(db, build), logLines: log.map(logLineToWire) };
}
