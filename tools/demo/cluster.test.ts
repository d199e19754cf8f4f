// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { pauseMs } from './cluster';

test('who asks again and again leaves three fourths of a processor to the machines that are asked about', () => {
  for (const took of [200, 700, 3_000]) expect(took / (took + pauseMs(took))).toBeLessThanOrEqual(0.3);
  expect(pauseMs(0)).toBe(500);
});
