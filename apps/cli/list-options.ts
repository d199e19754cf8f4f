// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { Option } from 'commander';
import { wholeNumber } from './cli';
import { enumWord } from './document';

export interface ListOptions {
  /** All if undefined. */
  readonly limit?: number;
}

/** For the option that says how many are listed. @throws LockstepError `usage`. */
export const countReader =
  (option: string) =>
  (text: string): number => {
    const count = wholeNumber(text);
    if (count > 0) return count;
    throw new LockstepError('invalid-input', 'usage', `${option} 0 lists nothing: give a number from 1.`, { text });
  };

export const limitOption = (): Option =>
  new Option('--limit <n>', 'only the first so many (default: all)').argParser(countReader('--limit'));

/** `--status <word>` by the words of a generated enum. */
export function statusOption(
  names: Readonly<Record<string | number, string | number>>,
  prefix: string,
  help: string,
): Option {
  const values = Object.values(names).filter((value) => typeof value === 'number');
  const words = new Map(
    values
      .filter((value) => value > 0)
      .map((value) => [enumWord(names as Record<number, string>, prefix, value), value]),
  );
  return new Option('--status <status>', `${help}: ${[...words.keys()].join(', ')}`).argParser((text: string) => {
    const value = words.get(text);
    if (value !== undefined) return value;
    const message = `There is no status "${text}": ${[...words.keys()].join(', ')}.`;
    throw new LockstepError('invalid-input', 'usage', message, { text });
  });
}
