// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { judge, type Expectation, type MachineEvidence } from './proof';

const expected: Expectation = {
  nodes: 2,
  position: 2,
  stack: [
    { module: 'lockstep_a', letter: 'A' },
    { module: 'lockstep_b', letter: 'B' },
  ],
  answers: { a: 'a2', b: 'b1', c: 'c1', d: 'd2' },
};

const good = (node: string): MachineEvidence => ({
  node,
  position: 2,
  livepatches: ['lockstep_a', 'lockstep_b'],
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
  ['a late node', { position: 1 }, 'n2: position is 1, expected 2'],
  [
    'a function that was not patched',
    { files: { ...good('n2').files, d: '0.00\n' } },
    'n2: answers is a2 b1 c1 -, expected a2 b1 c1 d2',
  ],
])('%s is a deviation', (_, change, deviation) => {
  expect(judge([good('n1'), { ...good('n2'), ...change }], expected).deviations).toEqual([deviation]);
});

test('a node that does not answer is a deviation', () => {
  expect(judge([good('n1')], expected).deviations).toEqual(['1 nodes answered, expected 2']);
});
