// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { figuresOf, readMeasurements, spreadOf } from './figures';

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(spreadOf(values)).toEqual({ median: 100, p99: 198, max: 200 });
  expect(spreadOf([7])).toEqual({ median: 7, p99: 7, max: 7 });
  expect(spreadOf([])).toBeUndefined();
});

test('compares the modes, and leaves out what was not measured', () => {
  const figures = figuresOf(readMeasurements('system 10 90 5\nsystem 30 90 7\nstop_machine 300 400 6\n'));
  expect(figures).toMatchObject({
    transitions: 3,
    systemMedianNs: 10,
    systemP99Ns: 30,
    stopMachineP99Ns: 300,
    systemStopP99Ns: 90,
    p99Ratio: 0.1,
    systemElapsedMs: 5,
    perTaskElapsedMs: null,
    forkP99Ns: null,
    systemStandstillNs: null,
  });
});

test('tells how long others waited, and how long all stood still for nothing', () => {
  const text = [
    'latency none fork 120',
    'latency none fork 100',
    'latency system fork 110',
    'latency system fork 150',
    'latency system kill 2',
    'standstill system 0 0',
    'standstill stop_machine 7 2000',
  ].join('\n');
  expect(figuresOf(readMeasurements(text))).toMatchObject({
    forkP99Ns: 150,
    idleForkP99Ns: 120,
    systemStandstillNs: 0,
    stopMachineStandstillNs: 14_000,
    latencies: [
      { mode: 'system', action: 'fork', ns: { median: 110, p99: 150, max: 150 } },
      { mode: 'system', action: 'kill', ns: { median: 2, p99: 2, max: 2 } },
      { mode: 'none', action: 'fork', ns: { median: 100, p99: 120, max: 120 } },
    ],
  });
});

test.each([
  'system 1 2',
  'other 1 2 3',
  'system 1 x 3',
  'latency none sleep 1',
  'latency system fork',
  'standstill system 1',
])('refuses "%s"', (line) => {
  expect(() => readMeasurements(line)).toThrow(line);
});
