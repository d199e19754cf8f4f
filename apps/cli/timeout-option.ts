// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { readTime } from './duration';

const longestMs = 24 * 3_600_000;

/** `30s`, `10m`, as ms. @throws LockstepError `usage`. */
export const readTimeout = readTime('timeout', (ms) => {
  if (ms > 0 && ms <= longestMs) return ms;
  throw new LockstepError('invalid-input', 'usage', 'A timeout is from 1 ms to 24 h.', { ms });
});
