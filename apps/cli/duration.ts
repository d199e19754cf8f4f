// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** The longest first: what a time is shown in is the first that divides it. */
const units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const readable: ReadonlyMap<string, number> = new Map([['d', 24 * 3_600_000], ...units]);

const usage = (message: string, text: string): LockstepError =>
  new LockstepError('invalid-input', 'usage', message, { text });

/** What every option that takes a time understands: `1500ms`, `90s`, `15m`, `2h`, `1d`. In ms. @throws LockstepError `usage`. */
export function readMs(text: string, what = 'time'): number {
  const [, digits, word = ''] = /^(\d{1,9})(d|h|m|s|ms)$/.exec(text) ?? [];
  const ms = readable.get(word);
  if (digits !== undefined && ms !== undefined) return Number(digits) * ms;
  throw usage(`"${text}" is no ${what}: write a number with its unit, as in 90s, 15m, 2h or 1d.`, text);
}

/** The same in seconds, for what is counted in whole ones. @throws LockstepError `usage`. */
export function readSeconds(text: string): number {
  const ms = readMs(text);
  if (ms % 1_000 === 0) return ms / 1_000;
  throw usage(`"${text}" is no whole number of seconds: write 1s or more.`, text);
}

/** @param what the time is for, and how its bounds are kept. */
export const readTime =
  (what: string, parse: (ms: number) => number) =>
  (text: string): number => {
    const ms = readMs(text, what);
    try {
      return parse(ms);
    } catch (error) {
      throw usage((error as Error).message, text);
    }
  };

/** One that can be given back: `default` is 0. */
export const readTimeOrDefault = (what: string, parse: (ms: number) => number): ((text: string) => number) => {
  const read = readTime(what, parse);
  return (text) => (text === 'default' ? 0 : read(text));
};

/** `90s`, in the longest unit that needs no fraction. */
export function showDuration(ms: number): string {
  const [unit, length] = units.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / length}${unit}`;
}
