// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { patienceMs } from './transition-timeout';

test.each([
  [60_000, undefined, false, 12_000],
  [60_000, 'per_task', false, 12_000],
  [5_000, 'per_task', false, 5_000],
  [60_000, 'per_task', true, 60_000],
  [60_000, undefined, true, 60_000],
  [60_000, 'system', false, 60_000],
  [60_000, 'stop_machine', false, 60_000],
] as const)('of %d ms, switched %s, sleepers interrupted %s: %d ms', (wished, mode, may, expected) => {
  // Linux wakes sleepers in the 15th second (SIGNALS_TIMEOUT), and not before the 14th has passed.
  expect(patienceMs(wished, mode, may)).toBe(expected);
});
