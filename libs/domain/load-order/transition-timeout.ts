// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Where neither the entry nor its cluster says it. Most transitions end within seconds; a sleeping task can hold one for ever. */
export const defaultTransitionTimeoutMs = 60_000;

/** Shorter ones would be taken back while tasks that are merely busy switch. */
const leastMs = 1_000;
/** Longer ones would hold up all that comes after: a kernel makes one transition at a time. */
const mostMs = 24 * 3_600_000;

/**
 * How long a transition may take before it is taken back, in milliseconds.
 * @throws LockstepError `invalid-input` `invalid-transition-timeout`.
 */
export function parseTransitionTimeoutMs(value: number): number {
  if (Number.isInteger(value) && value >= leastMs && value <= mostMs) return value;
  const message = `A transition timeout is from 1 s to 24 h, in whole milliseconds; ${value} ms is not.`;
  throw new LockstepError('invalid-input', 'invalid-transition-timeout', message, { transitionTimeoutMs: value });
}
