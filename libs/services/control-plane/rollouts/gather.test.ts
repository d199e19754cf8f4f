// SPDX-License-Identifier: GPL-2.0-only
import { expect, jest, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { noLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import { AgentSessions } from '../agents/agent-sessions';
import { steadyTimeMs } from '../steady-time';
import { gatherInventory } from './gather';

const cluster = parseClusterName('web');
const known = {
  ...{ name: parseNodeName('n1'), cluster, kernelBuild: null, report: null },
  labels: { reported: noLabels, assigned: noLabels },
};

test('a clock that is set after the start makes nobody away for hours', () => {
  const shown = Date.now() - 5 * 3_600_000;
  const clock = jest.spyOn(Date, 'now').mockReturnValue(shown);
  const node = { ...known, lastSeenAt: new Date(shown), heardAtMs: performance.now() };
  const [facts] = gatherInventory({ list: () => [node] as never }, new AgentSessions(), cluster, performance.now());
  clock.mockRestore();
  expect(Math.abs(steadyTimeMs() - (facts?.lastSeenMs ?? 0))).toBeLessThan(3_600_000);
});

test('of who was not heard since the start it is when it was written to be heard', () => {
  const node = { ...known, lastSeenAt: new Date(1_000) };
  const [facts] = gatherInventory({ list: () => [node] as never }, new AgentSessions(), cluster, performance.now());
  expect(facts?.lastSeenMs).toBe(1_000);
});

test('what a node has said is read once, until it says something else', () => {
  const report = NodeReport.fromPartial({ position: 1, target: 1, status: NodeStatus.NODE_STATUS_IN_STEP });
  const node = { ...known, report, lastSeenAt: null };
  const gather = (nodes: unknown) =>
    gatherInventory({ list: () => nodes as never }, new AgentSessions(), cluster, performance.now())[0];
  const first = gather([node]);
  const again = gather([{ ...node, sessionEpoch: 2 }]);
  expect(again?.report).toBe(first?.report);
  expect(again?.labels).toBe(first?.labels);
  const labels = { ...known.labels, assigned: new Map([['zone', 'a']]) };
  const other = gather([{ ...node, labels, report: { ...report, position: 2, target: 2 } }]);
  expect([other?.report?.position, other?.labels?.get('zone' as never)]).toEqual([2, 'a']);
});
