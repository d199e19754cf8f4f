// SPDX-License-Identifier: GPL-2.0-only
import type { ListKernelsResponse } from '@lockstep/contracts/generated';
import type { Services } from '../services';
import { kernelToWire } from '../views/build-view';

export async function listKernels({ db }: Services): Promise<ListKernelsResponse> {
  const copies = await db.kernelCopies.list();
  const kernels = await db.kernelBuilds.list();
  return { kernelBuilds: kernels.map((kernel) => kernelToWire(kernel, copies.get(kernel.id))) };
}
