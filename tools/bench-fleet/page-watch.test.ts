// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { pageFigures } from './page-watch';

test('of so many pages one in a hundred may take longer than p99', () => {
  const tookMs = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(pageFigures(tookMs)).toEqual({ pages: 200, p50Ms: 101, p99Ms: 199, longestMs: 200 });
  expect(pageFigures([])).toEqual({ pages: 0, p50Ms: 0, p99Ms: 0, longestMs: 0 });
});
