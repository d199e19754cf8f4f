// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** When no load may begin, whatever the windows say. */
export interface Freeze {
  readonly name: string;
  /** Of the nodes that it is for; empty: all. */
  readonly selector: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

const longestMs = 366 * 24 * 3_600_000;

/** @throws LockstepError `invalid-input` `invalid-freeze`. */
export function parseFreezeTimes(fromMs: number, untilMs: number, nowMs: number): Pick<Freeze, 'fromMs' | 'untilMs'> {
  const refuse = (message: string): LockstepError => new LockstepError('invalid-input', 'invalid-freeze', message);
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(untilMs))
    throw refuse('A freeze has a beginning and an end.');
  if (untilMs <= fromMs) throw refuse('A freeze ends after it begins.');
  if (untilMs <= nowMs) throw refuse('A freeze that is over freezes nothing: let it end later than now.');
  if (untilMs - fromMs > longestMs) throw refuse('A freeze lasts for at most 366 days.');
  return { fromMs, untilMs };
}
