// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';
import { FileLock } from '@lockstep/platform/runtime';

/** More builds at once than this on one kernel build wait: their compilers share the same few cores anyway. */
const maxSlots = 8;

/** One of a few numbered work places in a folder, for this holder alone, between processes too; waits if none is free. */
export async function takeSlot(poolDir: string, signal?: AbortSignal): Promise<{ lock: FileLock; slot: number }> {
  for (let slot = 0; slot < maxSlots; slot += 1) {
    const lock = await FileLock.tryAcquire(join(poolDir, `${slot}.lock`));
    if (lock !== undefined) return { lock, slot };
  }
  return { lock: await FileLock.acquire(join(poolDir, '0.lock'), signal), slot: 0 };
}
