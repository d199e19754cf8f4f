// SPDX-License-Identifier: GPL-2.0-only
import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import { pino } from 'pino';
import { OpenCalls } from '../grpc/open-calls';
import { soleReplica } from '../replicas/replica';
import { AgentSessions } from './agent-sessions';
import { RecentSwitches } from './recent-switches';
import { takeNodeOut } from './take-node-out';

test('a node that is taken out has nothing under way any more: its downloads end as its stream does, and no other one’s', async () => {
  const node = { name: parseNodeName('n1'), cluster: parseClusterName('web'), lastSeenAt: null };
  const calls = new OpenCalls();
  const download = calls.open(new EventEmitter(), 'stream', 'n1');
  const other = calls.open(new EventEmitter(), 'stream', 'n2');
  const services = {
    ...{ calls, sessions: new AgentSessions(), switches: new RecentSwitches(), log: pino({ level: 'silent' }) },
    nodes: { remove: () => Promise.resolve(node) },
    ...{ rollouts: { wake: () => undefined }, replica: soleReplica() },
  };
  await takeNodeOut(services as never, node.name, undefined);
  expect([download.signal.reason, other.signal.aborted]).toMatchObject([{ reason: 'node-removed' }, false]);
});
