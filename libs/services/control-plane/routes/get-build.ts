// SPDX-License-Identifier: GPL-2.0-only
import type { GetBuildRequest, GetBuildResponse } from '@lockstep/contracts/generated';
import type { Services } from '../services';
import { buildToWire } from '../views/build-view';

export async function getBuild({ db }: Services, { id }: GetBuildRequest): Promise<GetBuildResponse> {
  return { build: buildToWire(await db.builds.require(id)) };
}
