// SPDX-License-Identifier: GPL-2.0-only
import type { ListBuildsResponse } from '@lockstep/contracts/generated';
import type { Services } from '../services';
import { buildsToWire } from '../views/build-view';

export async function listBuilds({ db }: Services): Promise<ListBuildsResponse> {
  return { builds: await buildsToWire(db, await db.builds.list()) };
}
