// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Consistency } from './log-entry';

/** Where neither the entry nor its cluster says it. Most transitions end within seconds; a sleeping task can hold one for ever. */
export const defaultTransitionTimeoutMs = 60_000;

/**
 * So long a transition task by task disturbs nobody: from 15 s on the kernel wakes tasks that sleep in what it switches, and
 * their calls end with EINTR (kernel/livepatch/transition.c, SIGNALS_TIMEOUT). Going back takes time, too.
 */
const undisturbedMs = 12_000;

/** How long is waited for a transition that may take `wishedMs`. @param mode undefined: the kernel's own way, task by task */
export const patienceMs = (wishedMs: number, mode: Consistency = 'per_task', mayInterrupt = false): number =>
  mode === 'per_task' && !mayInterrupt ? Math.min(wishedMs, undisturbedMs) : wishedMs;

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
