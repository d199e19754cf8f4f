// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { evidenceTable, judge, type Expectation, type MachineEvidence, type Switch } from './proof';

const expected: Expectation = {
  nodes: 2,
  position: 2,
  stack: [
    { module: 'lockstep_a', letter: 'A' },
    { module: 'lockstep_b', letter: 'B' },
  ],
  answers: { a: 'a2', b: 'b1', c: 'c1', d: 'd2' },
};

const whole = (module: string, windowNs: number): Switch => {
  return { module, mode: 'system', direction: 'patching', result: 'switched', windowNs };
};

const good = (node: string): MachineEvidence => ({
  node,
  position: 2,
  livepatches: ['lockstep_a', 'lockstep_b'],
  switches: [whole('lockstep_a', 51_200), whole('lockstep_b', 48_000)],
  files: {
    a: 'MemTotal: 1 kB\nlockstep: a2\n',
    b: 'console=ttyS0\nlockstep: b1\n',
    c: 'Linux\nlockstep: c1\n',
    d: '0.00\nlockstep: d2\n',
  },
});

test('all as expected', () => {
  expect(judge([good('n1'), good('n2')], expected)).toEqual({
    line: 'demo: 2/2 nodes at position 2, stack A<B on 2/2, a2 b1 c1 d2 on 2/2, unforced conflict refused',
    deviations: [],
  });
});

test.each<[string, Partial<MachineEvidence>, string]>([
  ['the other order', { livepatches: ['lockstep_b', 'lockstep_a'] }, 'n2: stack is B<A, expected A<B'],
  ['a foreign livepatch', { livepatches: ['lockstep_a', 'lockstep_b', 'x'] }, 'n2: stack is A<B<x, expected A<B'],
  [
    'a switch task by task',
    { switches: [whole('lockstep_a', 9000), { ...whole('lockstep_b', 0), mode: 'per_task' }] },
    'n2: the switch to B is per_task, patching: switched, without a window, expected system, patching: switched, with a window',
  ],
  [
    'a core that tells nothing of a switch',
    { switches: [whole('lockstep_b', 9000)] },
    'n2: the switch to A is not told, expected system, patching: switched, with a window',
  ],
  ['a late node', { position: 1 }, 'n2: position is 1, expected 2'],
  [
    'a function that was not patched',
    { files: { ...good('n2').files, d: '0.00\n' } },
    'n2: answers is a2 b1 c1 -, expected a2 b1 c1 d2',
  ],
])('%s is a deviation', (_, change, deviation) => {
  expect(judge([good('n1'), { ...good('n2'), ...change }], expected).deviations).toEqual([deviation]);
});

test('the table shows for each livepatch how long the CPUs stood still', () => {
  const text = evidenceTable([good('n1'), { ...good('n2'), switches: [whole('lockstep_b', 1500)] }], expected);
  expect(text).toMatch(/n1 .* a2 .* d2 .* A 51\.2, B 48\.0 /);
  expect(text).toMatch(/n2 .* A -, B 1\.5 /);
});

test('a node that does not answer is a deviation', () => {
  expect(judge([good('n1')], expected).deviations).toEqual(['1 nodes answered, expected 2']);
});
