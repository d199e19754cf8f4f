// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { WorkTracker } from './work-tracker';

/** Why nobody takes up what was queued, in words; empty where a worker will: it has something else at hand. */
export async function awaitedWorker(work: Pick<WorkTracker, 'look'>): Promise<string> {
  try {
    const { workers } = await work.look();
    return workers.length > 0 ? '' : 'no build worker is connected: start one with `node dist/build-worker.js`';
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return error.message;
  }
}
