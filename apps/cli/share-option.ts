// SPDX-License-Identifier: GPL-2.0-only
import type { Share } from '@lockstep/contracts/generated';
import { shareToWire } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { readSeconds } from './duration';

/** `5` nodes, or `5%` of them. @throws LockstepError `usage`. */
export function share(text: string): Share {
  const [, digits, percent] = /^(\d{1,9})(%?)$/.exec(text) ?? [];
  if (digits === undefined) {
    const message = `"${text}" is neither a number of nodes nor a whole percentage: write 5 or 5%.`;
    throw new LockstepError('invalid-input', 'usage', message, { text });
  }
  return shareToWire(percent === '' ? { nodes: Number(digits) } : { percent: Number(digits) });
}

/** `5%,20,25%`: the sizes of waves in their order. */
export const shares = (text: string): Share[] => text.split(',').map(share);

/** `90s`, `15m`, `2h`, `1d`, or seconds. @returns seconds. @throws LockstepError `usage`. */
export const duration = (text: string): number => (/^\d{1,7}$/.test(text) ? Number(text) : readSeconds(text));

/** Of what the API takes for what was not said where it is 0. @throws LockstepError `usage`. */
export function durationFromOne(text: string): number {
  const seconds = duration(text);
  if (seconds > 0) return seconds;
  throw new LockstepError('invalid-input', 'usage', `"${text}" is no time at all: write 1s or more.`, { text });
}
