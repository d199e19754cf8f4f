// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { judgeGates, outcomeOf, parseGate, showGate, type GateMeasure } from './metric-gate';

test.each([
  ['errors=rate(errors_total{job="web"}[5m]) <= 0.01', 'errors', 'rate(errors_total{job="web"}[5m])', '<=', 0.01],
  ['up{job="web"} == 1', 'up{job="web"}', 'up{job="web"}', '==', 1],
  ['min(free) > 1e9', 'min(free)', 'min(free)', '>', 1e9],
  ['lag<-5', 'lag', 'lag', '<', -5],
  ['count(up == 0) < 3', 'count(up == 0)', 'count(up == 0)', '<', 3],
])('%s', (text, name, query, comparison, limit) => {
  expect(parseGate(text)).toEqual({ name, query, comparison, limit });
  expect(parseGate(showGate(parseGate(text)))).toEqual(parseGate(text));
});

test.each(['up', 'up <= high', '<= 1', 'up = 1', ''])('%s is no gate', (text) => {
  expect(() => parseGate(text)).toThrow(/is no gate/);
});

const gate = parseGate('errors=x <= 1');

test.each([
  ['one series keeps to it', [1], { kind: 'value', value: 1 }],
  ['one of several does not', [0, 1.5, 0], { kind: 'value', value: 1.5 }],
  ['one does not, and another is no number', [NaN, 2], { kind: 'value', value: 2 }],
  ['there are none', [], { kind: 'error', problem: 'the query has no data' }],
  ['one is no number', [0, NaN], { kind: 'error', problem: 'the query answers NaN' }],
  ['it is infinite', [Infinity], { kind: 'value', value: Infinity }],
])('%s', (_, values, outcome) => {
  expect(outcomeOf(gate, values)).toEqual(outcome);
});

test('what is only a part of the answer keeps to nothing, and breaks it all the same', () => {
  const partial = ['store a did not answer'];
  expect(outcomeOf(gate, [0], partial)).toEqual({
    ...{ kind: 'error', problem: 'the answer is not whole: store a did not answer' },
  });
  expect(outcomeOf(gate, [2], partial)).toEqual({ kind: 'value', value: 2 });
});

const measure = (over: Partial<GateMeasure> = {}): GateMeasure => ({
  ...{ gate: 'errors', atMs: 100, outcome: { kind: 'value', value: 0 }, errorsInARow: 0 },
  ...over,
});
const away = { kind: 'error', problem: 'no answer' } as const;

test.each([
  ['it keeps to its bound', [measure()], 'pass'],
  ['nobody has asked yet', [], 'awaited'],
  ['it was asked too early', [measure({ atMs: 99 })], 'awaited'],
  ['it was asked too long ago', [measure()], 'awaited', 200_000],
  ['it breaks its bound', [measure({ outcome: { kind: 'value', value: 2 } })], 'broken'],
  ['it was not measured once', [measure({ outcome: away, errorsInARow: 1 })], 'awaited'],
  ['it cannot be measured', [measure({ outcome: away, errorsInARow: 3 })], 'error'],
])('%s', (_, measures, kind, nowMs = 150) => {
  expect(judgeGates([gate], measures, 100, nowMs).kind).toBe(kind);
});
