// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

const unitSeconds: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 24 * 3600 };

/** `90d` in seconds. @throws LockstepError `usage`. */
export function readTtlSeconds(text: string): number {
  const [, digits, unit = ''] = /^([1-9]\d{0,5})(m|h|d)$/.exec(text) ?? [];
  const seconds = unitSeconds[unit];
  if (digits !== undefined && seconds !== undefined) return Number(digits) * seconds;
  const message = `"${text}" is no time: write a number with its unit, as in 30m, 12h or 90d.`;
  throw new LockstepError('invalid-input', 'usage', message, { text });
}
