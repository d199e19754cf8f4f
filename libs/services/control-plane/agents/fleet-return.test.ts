// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import { AgentSessions } from './agent-sessions';
import { FleetReturn } from './fleet-return';

const cluster = parseClusterName('web');
const node = { name: parseNodeName('n1'), cluster, lastSeenAt: new Date(0) };

test('who came back after the start and went again is away, and awaited no more', () => {
  const sessions = new AgentSessions();
  const returns = new FleetReturn({ nodes: { size: 1, list: () => [node] as never }, sessions, returnGraceMs: 1_000 });
  returns.start(0);
  expect(() => {
    returns.requireSettled(cluster, 1);
  }).toThrow(/1 node of cluster "web" is still to come back/);
  sessions.enterElsewhere(node.name, { replica: 'other', bootId: 'b1' });
  sessions.leaveElsewhere(node.name, 2);
  expect(returns.hasSettled(cluster, 3)).toBe(true);
});
