// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** The longest first: what a time is shown in is the first that divides it. */
const units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** @param what the time is for, and how its bounds are kept. */
export const readTime =
  (what: string, parse: (ms: number) => number) =>
  (text: string): number => {
    if (text === 'default') return 0;
    const [, digits, word] = /^(\d{1,9})(h|m|s|ms)$/.exec(text) ?? [];
    const ms = units.find(([unit]) => unit === word)?.[1];
    const usage = (message: string): LockstepError => new LockstepError('invalid-input', 'usage', message, { text });
    if (digits === undefined || ms === undefined) {
      throw usage(`"${text}" is no ${what}: write a number with its unit, as in 1500ms, 30s, 5m or 1h.`);
    }
    try {
      return parse(Number(digits) * ms);
    } catch (error) {
      throw usage((error as Error).message);
    }
  };

/** `90s`, in the longest unit that needs no fraction. */
export function showDuration(ms: number): string {
  const [unit, length] = units.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / length}${unit}`;
}
