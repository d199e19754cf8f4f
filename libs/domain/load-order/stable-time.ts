// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Where neither the entry nor its cluster says it: long enough for what runs every few minutes to have run. */
export const defaultStableMs = 600_000;

const leastMs = 1_000;
/** A crash after a day of running well is nothing that a guard at boot could tell from any other. */
const mostMs = 24 * 3_600_000;

/**
 * How long a host must be well after a load, in milliseconds.
 * @throws LockstepError `invalid-input` `invalid-stable-time`.
 */
export function parseStableMs(value: number): number {
  if (Number.isInteger(value) && value >= leastMs && value <= mostMs) return value;
  const message = `A stable time is from 1 s to 24 h, in whole milliseconds; ${value} ms is not.`;
  throw new LockstepError('invalid-input', 'invalid-stable-time', message, { stableMs: value });
}
