// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { readTransitions, rowOf, spreadOf } from './figures';

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(spreadOf(values)).toEqual({ median: 100, p99: 198, max: 200 });
  expect(spreadOf([7])).toEqual({ median: 7, p99: 7, max: 7 });
  expect(spreadOf([])).toBeUndefined();
});

test('compares the modes, and leaves out what was not measured', () => {
  const transitions = readTransitions('system 10 90 5\nsystem 30 90 7\nstop_machine 300 400 6\n');
  const row = rowOf({ tasks: 100, runningPercent: 5, cpus: 2 }, transitions);
  expect(row).toMatchObject({
    transitions: 3,
    systemMedianNs: 10,
    systemP99Ns: 30,
    stopMachineP99Ns: 300,
    p99Ratio: 0.1,
    systemElapsedMs: 5,
    perTaskElapsedMs: null,
  });
});

test.each(['system 1 2', 'other 1 2 3', 'system 1 x 3'])('refuses "%s"', (line) => {
  expect(() => readTransitions(line)).toThrow(line);
});
