// SPDX-License-Identifier: GPL-2.0-only
import type { GetPatchRequest, GetPatchResponse } from '@lockstep/contracts/generated';
import type { Uses } from '../services';
import { buildsToWire, onePatchToWire } from '../views/build-view';

export async function getPatch(
  { db }: Uses<'db.patches' | 'db.builds'>,
  request: GetPatchRequest,
): Promise<GetPatchResponse> {
  const patch = await db.patches.require(request.patch);
  const [diff, builds] = await Promise.all([db.patches.diff(patch.id), db.builds.ofPatch(patch.id)]);
  return {
    patch: await onePatchToWire(db, patch),
    diff: Buffer.from(diff),
    builds: await buildsToWire(db, builds),
  };
}
