// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { maxFuzz } from '@lockstep/domain/source-patch';

/** For `.option(...)`. */
export const fuzzOption = [
  '--fuzz <n>',
  `let in hunks of which so many lines of context (at most ${maxFuzz}) differ from the tree`,
  parseFuzz,
] as const;

/** @throws LockstepError `usage` */
function parseFuzz(text: string): number {
  const fuzz = /^\d$/.test(text) ? Number(text) : Infinity;
  if (fuzz <= maxFuzz) return fuzz;
  throw new LockstepError('invalid-input', 'usage', `--fuzz ${text}: give a number of lines from 0 to ${maxFuzz}.`);
}
