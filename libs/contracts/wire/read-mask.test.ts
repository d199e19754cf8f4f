// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { Node, NodeReport } from '@lockstep/contracts/generated';
import { masked } from './read-mask';

const report = NodeReport.fromPartial({
  position: 2,
  bootId: 'b1',
  stack: [{ moduleName: 'one', enabled: true, functions: [{ name: 'f' }] }, { moduleName: 'two' }],
  problem: { reason: 'why', message: 'because' },
});

test('what is not named is as if it had not been sent, also in what repeats', () => {
  const bytes = (message: NodeReport) => Buffer.from(NodeReport.encode(message).finish()).toString('hex');
  const [some] = masked(NodeReport, [report], 'position,stack.module_name');
  expect(bytes(some!)).toBe(
    bytes(NodeReport.fromPartial({ position: 2, stack: [{ moduleName: 'one' }, { moduleName: 'two' }] })),
  );
});

test('a name alone is all of it; no mask is all of everything', () => {
  expect(masked(NodeReport, [report], 'problem')[0]?.problem).toEqual(report.problem);
  expect([masked(NodeReport, [report], undefined), masked(NodeReport, [report], '')]).toEqual([[report], [report]]);
});

test('a field that there is not is told', () => {
  expect(() => masked(NodeReport, [report], 'position,colour')).toThrow(/"colour"/);
});

test('a map that is not named is empty', () => {
  const node = Node.fromPartial({ name: 'n1', labels: { rack: 'a1' }, report });
  const [some] = masked(Node, [node], 'name,report.position');
  expect(Node.encode(some!).finish()).toEqual(
    Node.encode(Node.fromPartial({ name: 'n1', report: { position: 2 } })).finish(),
  );
  expect(masked(Node, [node], 'labels')[0]?.labels).toEqual({ rack: 'a1' });
});
