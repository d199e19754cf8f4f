// SPDX-License-Identifier: GPL-2.0-only
import type { ListPatchesResponse } from '@lockstep/contracts/generated';
import type { Services } from '../services';
import { patchesToWire } from '../views/build-view';

export async function listPatches({ db }: Services): Promise<ListPatchesResponse> {
  return { patches: await patchesToWire(db, await db.patches.list()) };
}
