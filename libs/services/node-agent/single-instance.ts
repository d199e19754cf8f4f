// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { FileLock } from '@lockstep/platform/runtime';

/**
 * Keeps a second agent off the same state directory for as long as this process lives: a lock on a file in it, which
 * only its owner can open, so that no other user keeps the agent from starting. The kernel drops it however the process
 * ends.
 * @throws LockstepError `already-exists`.
 */
export async function claimStateDir(stateDir: string): Promise<FileLock> {
  const lock = await FileLock.tryAcquire(path.join(stateDir, 'lock'));
  if (lock !== undefined) return lock;
  const message = `Another agent runs on ${stateDir}: stop it first.`;
  throw new LockstepError('already-exists', 'agent-running', message, { stateDir });
}
