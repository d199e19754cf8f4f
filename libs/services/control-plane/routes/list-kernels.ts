// SPDX-License-Identifier: GPL-2.0-only
import type { ListKernelsResponse } from '@lockstep/contracts/generated';
import type { Services } from '../services';
import { kernelToWire } from '../views/build-view';

export async function listKernels({ db }: Services): Promise<ListKernelsResponse> {
  return { kernelBuilds: (await db.kernelBuilds.list()).map(kernelToWire) };
}
