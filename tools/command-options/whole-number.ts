// SPDX-License-Identifier: GPL-2.0-only
import { InvalidArgumentError } from 'commander';

/** An option's value that is a whole number from 1. @throws InvalidArgumentError, which commander tells with the option. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Use a whole number from 1.');
}
