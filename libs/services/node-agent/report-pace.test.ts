// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ReportPace } from './report-pace';

let sentAtMs: number[];
let said: number;
let pace: ReportPace;
beforeEach(() => {
  jest.useFakeTimers();
  sentAtMs = [];
  said = 0;
  const startMs = Date.now();
  pace = new ReportPace(
    () => {
      sentAtMs.push(Date.now() - startMs);
      said = news;
    },
    () => Date.now() - startMs,
  );
});
afterEach(() => {
  pace.stop();
  jest.useRealTimers();
});

let news = 0;

test('a few reports go at once', () => {
  for (let each = 0; each < 10; each += 1) pace.request();
  expect(sentAtMs).toEqual(Array.from({ length: 10 }, () => 0));
});

test('of many in a second no more go than are taken of one node, and the last of them always does', () => {
  for (news = 1; news <= 10_000; news += 1) {
    pace.request();
    if (news < 10_000) jest.advanceTimersByTime(1);
  }
  news = 10_000;
  jest.advanceTimersByTime(1_000);
  expect(said).toBe(10_000);
  // 10 s at four a second, and the first ten.
  expect(sentAtMs.length).toBeGreaterThan(40);
  expect(sentAtMs.length).toBeLessThan(52);
  for (const [at, ms] of sentAtMs.entries()) {
    const before = sentAtMs.filter((other) => other > ms - 1_000 && other <= ms).length;
    if (at > 14) expect(before).toBeLessThanOrEqual(5);
  }
});

test('after a quiet time a few go at once again', () => {
  for (let each = 0; each < 20; each += 1) pace.request();
  jest.advanceTimersByTime(10_000);
  sentAtMs = [];
  for (let each = 0; each < 10; each += 1) pace.request();
  expect(sentAtMs).toHaveLength(10);
});

test('what has stopped sends nothing', () => {
  for (let each = 0; each < 20; each += 1) pace.request();
  pace.stop();
  sentAtMs = [];
  jest.advanceTimersByTime(10_000);
  expect(sentAtMs).toEqual([]);
});
