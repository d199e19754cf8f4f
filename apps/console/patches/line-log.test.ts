// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LineLog } from './line-log';

const linesOf = (log: LineLog): string[] => Array.from({ length: log.count }, (_, index) => log.at(index));
const numbered = (from: number, until: number): string[] =>
  Array.from({ length: Math.max(0, until - from) }, (_, index) => `line ${from + index}`);

test('each line is there once and in its order, however often and in what pieces it is told', () => {
  const anyPiece = fc.record({ back: fc.integer({ min: 0, max: 30 }), length: fc.integer({ min: 0, max: 20 }) });
  fc.assert(
    fc.property(fc.array(anyPiece, { maxLength: 40 }), (pieces) => {
      const log = new LineLog();
      for (const { back, length } of pieces) {
        const from = Math.max(0, log.next - back);
        log.take(from + length, numbered(from, from + length));
      }
      expect(linesOf(log)).toEqual(numbered(0, log.next));
    }),
  );
});

test('of more than are kept the last are, and it goes on behind them', () => {
  const log = new LineLog(100);
  for (let at = 0; at < 1_000; at += 7) log.take(at + 7, numbered(at, at + 7));
  expect(log.count).toBeLessThanOrEqual(100);
  expect(log.count).toBeGreaterThanOrEqual(80);
  expect(linesOf(log)).toEqual(numbered(log.next - log.count, log.next));
});
