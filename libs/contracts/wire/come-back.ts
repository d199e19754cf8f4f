// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Of an error that ends an agent's stream: within how many ms to come again, at a moment drawn from all of them. */
export const comeBackWithinField = 'comeBackWithinMs';

/** A server that names more is not believed. */
const longestMs = 600_000;

/** @returns undefined where the server has named no time. */
export function comeBackWithinMs(error: unknown): number | undefined {
  const value = error instanceof LockstepError ? error.fields[comeBackWithinField] : undefined;
  return typeof value === 'number' && value >= 0 ? Math.min(value, longestMs) : undefined;
}
