// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { readSeconds } from './duration';

/** For how long something is good: `90d` in seconds. @throws LockstepError `usage`. */
export function readTtlSeconds(text: string): number {
  const seconds = readSeconds(text);
  if (seconds > 0) return seconds;
  throw new LockstepError('invalid-input', 'usage', `"${text}" is good for no time at all: write 1s or more.`, {
    text,
  });
}
