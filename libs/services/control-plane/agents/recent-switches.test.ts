// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { NodeReport, NodeStatus, Transition } from '@lockstep/contracts/generated';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { RecentSwitches } from './recent-switches';

const n1 = parseNodeName('n1');
const saying = (windowLastNs: number, result = 'switched', status = NodeStatus.NODE_STATUS_IN_STEP): NodeReport =>
  NodeReport.fromPartial({ status, lastTransition: Transition.fromPartial({ moduleName: 'm', result, windowLastNs }) });

function told(...reports: NodeReport[]): number[] {
  const switches = new RecentSwitches(() => 0);
  let before: NodeReport | undefined;
  for (const report of reports) {
    switches.note(n1, before, report);
    before = report;
  }
  return switches.of(n1).map(({ transition }) => transition.windowLastNs);
}

test('each transition is kept once, when it has ended, oldest first', () => {
  expect(told(saying(1), saying(1), saying(2, 'pending'), saying(2), saying(3, 'reversed'))).toEqual([1, 2, 3]);
  expect(told(NodeReport.fromPartial({}), saying(0, 'pending'))).toEqual([]);
});

test('what cannot be true is not kept', () => {
  expect(told(saying(1), saying(2, 'switched', NodeStatus.NODE_STATUS_IMPLAUSIBLE))).toEqual([1]);
});

test('of a node that switches for ever the last ones are kept, and none of one that has left', () => {
  expect(told(...Array.from({ length: 50 }, (_, index) => saying(index)))).toEqual(
    Array.from({ length: 12 }, (_, index) => 38 + index),
  );
  const switches = new RecentSwitches();
  switches.note(n1, undefined, saying(1));
  switches.forget(n1);
  expect(switches.of(n1)).toEqual([]);
});
