// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { FileLock } from '@lockstep/platform/runtime';

/** More builds at once than this on one kernel build wait: their compilers share the same few cores anyway. */
const maxSlots = 8;

/** How long until whoever waits looks again at all of them: far less than a build takes. */
const lookAgainMs = 500;

export interface Slot {
  readonly lock: FileLock;
  readonly slot: number;
}

/** One of a few numbered work places in a folder, for this holder alone, between processes too; waits if none is free. */
export async function takeSlot(poolDir: string, signal?: AbortSignal): Promise<Slot> {
  for (;;) {
    for (let slot = 0; slot < maxSlots; slot += 1) {
      const taken = await trySlot(poolDir, slot);
      if (taken !== undefined) return taken;
    }
    await delay(lookAgainMs, undefined, signal === undefined ? {} : { signal });
  }
}

/**
 * One more for who has one already: never waits, for those it would wait for may wait for it. There are as many as holders
 * ask for.
 */
export async function takeFurtherSlot(poolDir: string): Promise<Slot> {
  for (let slot = maxSlots; ; slot += 1) {
    const taken = await trySlot(poolDir, slot);
    if (taken !== undefined) return taken;
  }
}

async function trySlot(poolDir: string, slot: number): Promise<Slot | undefined> {
  const lock = await FileLock.tryAcquire(join(poolDir, `${String(slot)}.lock`));
  return lock && { lock, slot };
}
